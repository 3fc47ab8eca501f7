"""Barcodes: GTIN-8, 12, 13 and 14 with their check digit, all in the one form by which goods are compared."""

# A shop's own numbers (weighed goods, in-store codes): valid, but two suppliers may give the same one to two goods.
INTERNAL = "^(2|02|04)"
LENGTHS = (8, 12, 13, 14)


def gtin_of(text: str) -> str | None:
    """The barcode as it is stored, None where it is none. GTIN-12 and a GTIN-14 that begins with 0 become GTIN-13."""
    digits = text.replace(" ", "").replace("-", "")
    if len(digits) not in LENGTHS or not (digits.isascii() and digits.isdigit()) or not digits.strip("0"):
        return None
    if (3 * sum(map(int, digits[-2::-2])) + sum(map(int, digits[-1::-2]))) % 10:
        return None
    if len(digits) == 12:
        return "0" + digits
    return digits[1:] if len(digits) == 14 and digits.startswith("0") else digits
