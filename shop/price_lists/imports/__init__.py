"""From a file that was kept to the catalog: staged, compared, guarded, applied, decided about, taken back."""
