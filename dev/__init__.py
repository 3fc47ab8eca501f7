"""What only a developer's machine needs: environment, embedded servers, mail sink, demo; never imported by the rest."""
