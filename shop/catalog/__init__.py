"""The one catalog that many suppliers fill: categories, products, offers, stock, and the price lists behind them."""
