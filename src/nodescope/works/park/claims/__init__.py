"""The claims of Park (2022)."""

from nodescope.works.claim import Claim
from nodescope.works.park.claims import initialisations, local_gradients

CLAIMS: tuple[Claim, ...] = (*initialisations.CLAIMS, *local_gradients.CLAIMS)
