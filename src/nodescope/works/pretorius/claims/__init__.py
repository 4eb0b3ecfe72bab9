"""The claims of Pretorius (2020)."""

from nodescope.works.claim import Claim
from nodescope.works.pretorius.claims import accuracy, activity, medians, systems

CLAIMS: tuple[Claim, ...] = (*accuracy.CLAIMS, *medians.CLAIMS, *activity.CLAIMS, *systems.CLAIMS)
