"""Domain packages of appkit: finance first; medical, retail and manufacturing follow."""
