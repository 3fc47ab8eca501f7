-- What POST /api/v1/orders sends for three lines of one supplier, its parameters made variables; a test compares the two.
-- Run by benchmarks/orders.py: pgbench -M prepared, as psycopg prepares too, with -D answer and delivery_point as long
-- as the real ones.

\set user :client_id + 1
\set contact :client_id + 1
\set company :client_id + 21
\set rest random(1, 20)
\set supplier 1 + :rest % 20
\set first 20 * random(0, 1600) + :rest
\set second 20 * random(1601, 3200) + :rest
\set third 20 * random(3201, 4999) + :rest
\set key random(1, 9000000000000000000)

BEGIN;

-- Who is calling.
SELECT access_tokens.id AS token_id, access_tokens.kind, access_tokens.scopes, coalesce(access_tokens.last_used_at,
    access_tokens.created_at) AS used_at, users.id AS user_id, users.role, users.company_id, users.second_factor_at
    IS NOT NULL AS has_second_factor, NULL AS along
FROM access_tokens JOIN users ON users.id = access_tokens.user_id
WHERE access_tokens.hash = sha256(convert_to('shop_s_benchmark-' || :client_id, 'UTF8')) AND
    (access_tokens.expires_at IS NULL OR access_tokens.expires_at > now()::TIMESTAMP WITH TIME ZONE) AND
    users.email_confirmed_at IS NOT NULL AND users.blocked_at IS NULL AND users.closed_at IS NULL AND
    NOT (EXISTS (SELECT 1 FROM companies WHERE companies.id = users.company_id AND companies.status = 'blocked'));

-- The Idempotency-Key is claimed.
INSERT INTO idempotency_keys AS claim (user_id, key, fingerprint) VALUES (:user, :key, sha256(convert_to(:key,
    'UTF8')))
ON CONFLICT (user_id, key) DO UPDATE
SET fingerprint = excluded.fingerprint, created_at = now(), status = NULL, location = NULL, body = NULL
WHERE claim.created_at < now() - interval '1 day'
RETURNING id \gset claim_

-- The delivery point.
SELECT contacts.id, contacts.user_id, contacts.company_id, contacts.name, contacts.city, contacts.street,
    contacts.house, contacts.structure, contacts.building, contacts.apartment, contacts.phone,
    contacts.receiving_hours, contacts.created_at
FROM contacts
WHERE contacts.id = :contact::BIGINT AND (contacts.user_id = :user::BIGINT OR contacts.company_id =
    :company::BIGINT);

-- Goods with their suppliers' terms, in one ordered share lock.
SELECT offers.id, offers.revision, offers.name, offers.sku, offers.barcodes, offers.unit_code, offers.unit,
    offers.units_per_pack, offers.price, offers.vat_rate, offers.quantity_step, offers.minimum_quantity,
    offers.is_listed, offers.is_quarantined, stock_levels.kind AS stock_kind, stock_levels.on_hand, stock_levels.reserved, companies.id AS
        company_id, companies.name AS company_name, companies.status, companies.accepts_orders,
        companies.price_includes_vat, companies.delivery_fee, companies.free_delivery_from, companies.minimum_order,
        (SELECT legal_entities.default_vat_rate FROM legal_entities WHERE legal_entities.company_id = companies.id
        ORDER BY legal_entities.id LIMIT 1) AS default_vat_rate
FROM offers JOIN companies ON companies.id = offers.supplier_id LEFT OUTER JOIN stock_levels ON
    stock_levels.offer_id = offers.id
WHERE offers.id = ANY (CAST((SELECT ARRAY[:first, :second, :third]::BIGINT[] AS anon_1) AS BIGINT[]))
ORDER BY offers.id FOR SHARE OF offers;

-- Stock, in one ordered lock …
SELECT stock.offer_id, offers.sku, offers.name, offers.unit, stock.kind, stock.on_hand, stock.reserved
FROM stock_levels AS stock JOIN offers ON offers.id = stock.offer_id
WHERE stock.offer_id = ANY (CAST((SELECT CAST(ARRAY[:first, :second, :third] AS bigint[])) AS bigint[]))
ORDER BY stock.offer_id FOR UPDATE OF stock;

-- … and reserved.
UPDATE stock_levels AS stock
SET reserved = stock.reserved + line.quantity, updated_at = now()
FROM unnest((SELECT CAST(ARRAY[:first, :second, :third] AS bigint[])), (SELECT CAST(ARRAY[1, 1, 1] AS numeric[])))
    AS line (offer_id, quantity)
WHERE stock.offer_id = line.offer_id;

-- The order with its part, lines and history.
WITH placed AS (
    INSERT INTO orders (
        user_id, company_id, delivery_point, comment, client_reference, requested_delivery_on,
        subtotal, delivery_total, vat_total, total
    )
    VALUES (
        :user, :company, CAST(:delivery_point AS jsonb), '', NULL, NULL,
        6.00, 0.00, 1.08, 6.00
    )
    RETURNING id, user_id
), parts AS (
    INSERT INTO supplier_orders (
        order_id, supplier_id, price_includes_vat, subtotal, delivery_fee, delivery_vat, delivery_vat_rate, vat_total,
        total
    )
    SELECT placed.id, part.*
    FROM placed, unnest(
        (SELECT CAST(ARRAY[:supplier] AS bigint[])), (SELECT CAST(ARRAY[true] AS boolean[])),
        (SELECT CAST(ARRAY[6.00] AS numeric[])), (SELECT CAST(ARRAY[0.00] AS numeric[])),
        (SELECT CAST(ARRAY[0.00] AS numeric[])), (SELECT CAST(ARRAY['22'] AS text[])),
        (SELECT CAST(ARRAY[1.08] AS numeric[])), (SELECT CAST(ARRAY[6.00] AS numeric[]))
    ) AS part (
        supplier_id, price_includes_vat, subtotal, delivery_fee, delivery_vat, delivery_vat_rate, vat_total, total
    )
    ORDER BY part.supplier_id
    RETURNING id, order_id, supplier_id
), history AS (
    INSERT INTO order_events (order_id, supplier_order_id, user_id, to_state)
    SELECT placed.id, parts.id, placed.user_id, 'new' FROM placed, parts ORDER BY parts.id
), lines AS (
    INSERT INTO order_lines (
        supplier_order_id, position, offer_id, revision, name, sku, barcode, unit_code, unit, units_per_pack,
        price, vat_rate, vat_is_default, ordered_quantity, quantity, net, vat, total
    )
    SELECT parts.id, line.position, offers.id, revision, name, sku, barcodes[1], unit_code, unit, units_per_pack,
        price, line.vat_rate, offers.vat_rate IS NULL, line.quantity, line.quantity, line.net, line.vat, line.total
    FROM unnest(
        (SELECT CAST(ARRAY[:first, :second, :third] AS bigint[])), (SELECT CAST(ARRAY[1, 2, 3] AS bigint[])),
        (SELECT CAST(ARRAY[1, 1, 1] AS numeric[])), (SELECT CAST(ARRAY['22', '22', '22'] AS text[])),
        (SELECT CAST(ARRAY[1.64, 1.64, 1.64] AS numeric[])), (SELECT CAST(ARRAY[0.36, 0.36, 0.36] AS numeric[])),
        (SELECT CAST(ARRAY[2.00, 2.00, 2.00] AS numeric[]))
    ) AS line (offer_id, position, quantity, vat_rate, net, vat, total)
    JOIN offers ON offers.id = line.offer_id
    JOIN parts ON parts.supplier_id = offers.supplier_id
    ORDER BY parts.id, line.position
)
SELECT id FROM placed \gset order_

-- The event for the outbox.
INSERT INTO outbox_events (type, payload, request_id, sent_at, pending, started, sendings, attempts, handled_at, parked_at,
    last_error) VALUES ('order.placed'::VARCHAR, jsonb_build_object('order_id', :order_id::bigint)::JSONB,
    md5(:key)::VARCHAR, NULL::TIMESTAMP WITH TIME ZONE, NULL::TEXT[], '{}'::TEXT[], 0::BIGINT, 0::BIGINT, NULL::TIMESTAMP WITH TIME ZONE,
    NULL::TIMESTAMP WITH TIME ZONE, NULL::VARCHAR) RETURNING outbox_events.id, outbox_events.created_at,
    outbox_events.due_at;

-- The answer.
SELECT row_to_json(answer)::text AS answer FROM (
    SELECT id, number, state, comment, client_reference, requested_delivery_on, currency,
        subtotal::text, delivery_total::text, vat_total::text, total::text, created_at, version, delivery_point,
        (
    SELECT json_agg(part ORDER BY part.id) FROM (
        SELECT id, supplier_id, (SELECT name FROM companies WHERE companies.id = supplier_id) AS supplier, state,
            subtotal::text, delivery_fee::text, vat_total::text, total::text, CASE WHEN supplier_orders.state = 'new'
    AND NOT supplier_orders.price_includes_vat THEN (
    SELECT (supplier_orders.total + sum(due.vat))::text FROM (
        SELECT round(order_lines.net * nullif((SELECT legal_entities.default_vat_rate FROM legal_entities
            WHERE legal_entities.company_id = supplier_orders.supplier_id ORDER BY legal_entities.id LIMIT 1),
            'none')::numeric / 100, 2) AS vat
        FROM order_lines WHERE supplier_order_id = supplier_orders.id AND vat_rate IS NULL
    ) AS due
    HAVING sum(due.vat) > 0
) END AS total_to_agree, (
    SELECT json_agg(line ORDER BY line.position) FROM (
        SELECT id, position, offer_id, name, sku, barcode, unit, unit_code,
            trim_scale(ordered_quantity) AS ordered_quantity, trim_scale(quantity) AS quantity, cut_reason,
            trim_scale(received_quantity) AS received_quantity, received_reason,
            (CASE WHEN min_scale(price) < 2 THEN round(price, 2) ELSE trim_scale(price) END)::text AS price, vat_rate, vat_is_default,
            net::text, vat::text, total::text
        FROM order_lines WHERE supplier_order_id = supplier_orders.id
    ) AS line
) AS lines
        FROM supplier_orders WHERE order_id = orders.id
    ) AS part
) AS parts,
        (
    SELECT coalesce(json_agg(event ORDER BY event_id), '[]') FROM (
        SELECT id AS event_id, json_build_object('supplier_order_id', supplier_order_id, 'user_id', user_id,
            'from_state', from_state, 'to_state', to_state, 'reason', reason, 'created_at', created_at) AS event
        FROM order_events WHERE order_id = orders.id
    ) AS events
) AS history,
        (
    SELECT coalesce(json_agg(invoice ORDER BY invoice.id), '[]') FROM (
        SELECT invoices.id, invoices.number, invoices.kind, supplier_order_id, companies.name AS supplier,
            issued_on,
            invoices.total::text, annulled_at
        FROM invoices
        JOIN supplier_orders AS part ON part.id = supplier_order_id
        JOIN companies ON companies.id = part.supplier_id
        WHERE part.order_id = orders.id
    ) AS invoice
) AS invoices
    FROM orders
    WHERE id = :order_id AND (false OR company_id = :company)
) AS answer;

-- The answer is kept with the key.
UPDATE idempotency_keys SET status = 201, location = '/api/v1/orders/' || :order_id, body = convert_to(:answer,
    'UTF8') WHERE id = :claim_id;

COMMIT;
