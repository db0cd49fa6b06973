"""The gate (接入网关): HJ 212 over TCP and pushed readings over gRPC, to the bus with confirms.

The gate has no database: a batch that the bus confirmed is its commit, and only then is a logger or
a platform answered. While the bus is away it stops reading, so memory stays bounded and nothing is
acknowledged that could be lost.
"""
