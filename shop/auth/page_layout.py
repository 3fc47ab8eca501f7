"""How the pages look that people open from a mail or come back to from a provider."""

FRAME = """<!doctype html>
<html lang="{{ locale }}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="robots" content="noindex">
  <title>{{ title }}</title>
  <link rel="stylesheet" href="{{ url_for('pages.style') }}">
</head>
<body>
<main>
  <h1>{{ title }}</h1>
  <p>{{ text }}</p>
INSIDE</main>
</body>
</html>
"""
STYLE = """\
body { margin: 0; background: #f3f4f1; color: #1f2723; font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif }
main { max-width: 32rem; margin: 12vh auto 0; padding: 1.5rem 2rem 2rem; background: #fff; border: 1px solid #dde1db;
  border-radius: 8px; overflow-wrap: anywhere }
h1 { margin: 0 0 1rem; font-size: 1.35rem; line-height: 1.3 }
label { display: block; margin: 0 0 1rem }
input { display: block; box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .5rem; font: inherit;
  border: 1px solid #aeb6ae; border-radius: 6px }
.problem { color: #9b1c1c }
button { padding: .6rem 1.4rem; border: 0; border-radius: 6px; background: #1d6b4a; color: #fff; font: inherit;
  cursor: pointer }
button:focus-visible, input:focus-visible { outline: 3px solid #9ccbb5; outline-offset: 2px }
"""


def framed(inside: str = "") -> str:
    """The template of a whole page: title and text, and `inside` below them."""
    return FRAME.replace("INSIDE", inside)
