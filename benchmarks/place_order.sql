-- What POST /api/v1/orders sends for three lines of one supplier, taken from the server's statement log once
-- (log_min_duration_statement = 0) with its parameters made variables. Run by benchmarks/orders.py:
-- pgbench -M prepared, as psycopg prepares too, with -D answer and delivery_point as long as the real ones.

\set user :client_id + 1
\set contact :client_id + 1
\set company :client_id + 21
\set rest random(1, 20)
\set supplier 1 + :rest % 20
\set first 20 * random(0, 1600) + :rest
\set second 20 * random(1601, 3200) + :rest
\set third 20 * random(3201, 4999) + :rest
\set key random(1, 9000000000000000000)

-- The pool asks whether the connection lives; the route's empty statement cannot be written here.
SELECT 1;

BEGIN;

-- Who is calling.
SELECT access_tokens.id, access_tokens.user_id, access_tokens.kind, access_tokens.name, access_tokens.prefix,
    access_tokens.hash, access_tokens.scopes, access_tokens.created_at, access_tokens.expires_at,
    access_tokens.last_used_at, companies_1.id AS id_1, companies_1.kind AS kind_1, companies_1.name AS name_1,
    companies_1.status, companies_1.created_at AS created_at_1, companies_1.accepts_orders,
    companies_1.price_list_url, companies_1.stock_means, companies_1.price_includes_vat, companies_1.delivery_fee,
    companies_1.free_delivery_from, companies_1.minimum_order, users_1.id AS id_2, users_1.email,
    users_1.email_confirmed_at, users_1.password_hash, users_1.role, users_1.company_id, users_1.first_name,
    users_1.last_name, users_1.position, users_1.locale, users_1.created_at AS created_at_2, users_1.blocked_at,
    users_1.closed_at
FROM access_tokens JOIN users AS users_1 ON users_1.id = access_tokens.user_id LEFT OUTER JOIN companies AS
    companies_1 ON companies_1.id = users_1.company_id
WHERE access_tokens.hash = sha256(convert_to('shop_s_benchmark-' || :client_id, 'UTF8'));

-- The Idempotency-Key is claimed.
INSERT INTO idempotency_keys (user_id, key, fingerprint) VALUES (:user::BIGINT, :key::VARCHAR,
    sha256(convert_to(:key, 'UTF8'))) ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = sha256(convert_to(:key,
    'UTF8')), status = NULL::BIGINT, location = NULL::VARCHAR, body = NULL, created_at = now() WHERE
    idempotency_keys.created_at < (now() - interval '1 day')::TIMESTAMP WITH TIME ZONE
    RETURNING idempotency_keys.id \gset claim_

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
    offers.is_listed, offers.is_quarantined, CASE WHEN (coalesce(stock_levels.kind, 'exact') IN ('exact',
    'at_least')) THEN greatest(coalesce(stock_levels.on_hand - stock_levels.reserved, 0), 0) END AS available,
    companies.id AS company_id, companies.name AS company_name, companies.status, companies.accepts_orders,
    companies.price_includes_vat, companies.delivery_fee, companies.free_delivery_from, companies.minimum_order,
    (SELECT legal_entities.default_vat_rate FROM legal_entities WHERE legal_entities.company_id = companies.id
    ORDER BY legal_entities.id LIMIT 1) AS default_vat_rate FROM offers JOIN companies ON companies.id =
    offers.supplier_id LEFT OUTER JOIN stock_levels ON stock_levels.offer_id = offers.id WHERE offers.id = ANY
    (ARRAY[:first, :second, :third]::bigint[]) ORDER BY offers.id FOR SHARE OF offers;

-- Stock, in one ordered lock.
SELECT stock_levels.offer_id, offers.sku, offers.name, stock_levels.kind, stock_levels.on_hand,
    stock_levels.reserved
FROM stock_levels JOIN offers ON offers.id = stock_levels.offer_id
WHERE stock_levels.offer_id IN (:first::BIGINT, :second::BIGINT, :third::BIGINT) ORDER BY stock_levels.offer_id
    FOR UPDATE OF stock_levels;

-- … and reserved.
UPDATE stock_levels AS stock
SET reserved = stock.reserved + line.quantity, updated_at = now()
FROM unnest(CAST(ARRAY[:first::bigint, :second::bigint, :third::bigint] AS bigint[]), CAST('{1,1,1}' AS
    numeric[])) AS line (offer_id, quantity)
WHERE stock.offer_id = line.offer_id;

-- The order.
INSERT INTO orders (user_id, company_id, state, delivery_point, comment, client_reference,
    requested_delivery_on, currency, subtotal, delivery_total, vat_total, total, version) VALUES (:user::BIGINT,
    :company::BIGINT, 'new'::VARCHAR, :delivery_point::JSONB, ''::VARCHAR, NULL::VARCHAR, NULL::DATE, 'RUB'::VARCHAR,
    6.00, 0.00, 1.08, 6.00, 1::BIGINT) RETURNING orders.id, orders.number, orders.created_at \gset order_

-- Its part.
INSERT INTO supplier_orders (order_id, supplier_id, state, price_includes_vat, subtotal, delivery_fee,
    delivery_vat, vat_total, total) VALUES (:order_id::BIGINT, :supplier::BIGINT, 'new'::VARCHAR, 't', 6.00, 0.00,
    0.00, 1.08, 6.00) RETURNING supplier_orders.id \gset part_

-- Its lines, in one statement.
INSERT INTO order_lines (supplier_order_id, position, offer_id, revision, name, sku, barcode, unit_code, unit,
    units_per_pack, ordered_quantity, quantity, cut_reason, received_quantity, received_reason, price, vat_rate,
    net, vat, total) SELECT p0::BIGINT, p1::BIGINT, p2::BIGINT, p3::BIGINT, p4::VARCHAR, p5::VARCHAR, p6::VARCHAR,
    p7::VARCHAR, p8::VARCHAR, p9::NUMERIC(14, 3), p10::NUMERIC(14, 3), p11::NUMERIC(14, 3), p12::VARCHAR,
    p13::NUMERIC(14, 3), p14::VARCHAR, p15::NUMERIC(14, 4), p16::VARCHAR, p17::NUMERIC(14, 2), p18::NUMERIC(14, 2),
    p19::NUMERIC(14, 2) FROM (VALUES (:part_id::BIGINT, 1::BIGINT, :first::BIGINT, 1::BIGINT,
    'Товар-для-дома-и-сада'::VARCHAR, :first::VARCHAR, NULL::VARCHAR, '796'::VARCHAR, 'шт'::VARCHAR, NULL, 1, 1,
    NULL::VARCHAR, NULL, NULL::VARCHAR, 2.0000, '22'::VARCHAR, 1.64, 0.36, 2.00, 0), (:part_id::BIGINT, 2::BIGINT,
    :second::BIGINT, 1::BIGINT, 'Товар-для-дома-и-сада'::VARCHAR, :second::VARCHAR, NULL::VARCHAR, '796'::VARCHAR,
    'шт'::VARCHAR, NULL, 1, 1, NULL::VARCHAR, NULL, NULL::VARCHAR, 2.0000, '22'::VARCHAR, 1.64, 0.36, 2.00, 1),
    (:part_id::BIGINT, 3::BIGINT, :third::BIGINT, 1::BIGINT, 'Товар-для-дома-и-сада'::VARCHAR, :third::VARCHAR,
    NULL::VARCHAR, '796'::VARCHAR, 'шт'::VARCHAR, NULL, 1, 1, NULL::VARCHAR, NULL, NULL::VARCHAR, 2.0000,
    '22'::VARCHAR, 1.64, 0.36, 2.00, 2)) AS imp_sen(p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, p12, p13, p14,
    p15, p16, p17, p18, p19, sen_counter) ORDER BY sen_counter RETURNING order_lines.id, order_lines.id AS id__1;

-- Its history.
INSERT INTO order_events (order_id, supplier_order_id, user_id, from_state, to_state, reason) VALUES
    (:order_id::BIGINT, :part_id::BIGINT, :user::BIGINT, NULL::VARCHAR, 'new'::VARCHAR, ''::VARCHAR) RETURNING
    order_events.id, order_events.created_at;

-- The event for the outbox.
INSERT INTO outbox_events (type, payload, request_id, pending, attempts, handled_at, parked_at, last_error)
    VALUES ('order.placed'::VARCHAR, jsonb_build_object('order_id', :order_id::bigint)::JSONB, md5(:key)::VARCHAR,
    NULL::TEXT[], 0::BIGINT, NULL::TIMESTAMP WITH TIME ZONE, NULL::TIMESTAMP WITH TIME ZONE, NULL::VARCHAR)
    RETURNING outbox_events.id, outbox_events.created_at, outbox_events.due_at;

-- The answer.
SELECT row_to_json(answer)::text FROM (
    SELECT id, number, state, comment, client_reference, requested_delivery_on, currency,
        subtotal::text, delivery_total::text, vat_total::text, total::text, created_at, version, delivery_point,
        (
    SELECT json_agg(part ORDER BY part.id) FROM (
        SELECT id, supplier_id, (SELECT name FROM companies WHERE companies.id = supplier_id) AS supplier, state,
            subtotal::text, delivery_fee::text, vat_total::text, total::text, (
    SELECT json_agg(line ORDER BY line.position) FROM (
        SELECT id, position, offer_id, name, sku, barcode, unit, unit_code,
            trim_scale(ordered_quantity) AS ordered_quantity, trim_scale(quantity) AS quantity, cut_reason,
            trim_scale(received_quantity) AS received_quantity, received_reason,
            to_char(price, 'FM9999999990.0099') AS price, vat_rate, net::text, vat::text, total::text
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
        SELECT invoices.id, invoices.number, invoices.kind, supplier_order_id, companies.name AS supplier, issued_on,
            invoices.total::text, annulled_at
        FROM invoices
        JOIN supplier_orders AS part ON part.id = supplier_order_id
        JOIN companies ON companies.id = part.supplier_id
        WHERE part.order_id = orders.id
    ) AS invoice
) AS invoices
    FROM orders
    WHERE id = :order_id::bigint AND (false OR company_id = :company::bigint)
) AS answer;

-- The answer is kept with the key.
UPDATE idempotency_keys SET status=201::BIGINT, location='/api/v1/orders/' || :order_id::VARCHAR,
    body=convert_to(:answer, 'UTF8') WHERE idempotency_keys.id = :claim_id::BIGINT;

COMMIT;
