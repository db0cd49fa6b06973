"""HJ 212, 污染物在线监控(监测)系统数据传输标准: the protocol without input or output.

Bytes in, values out, bytes back (`framing` -> `segment` -> `messages`, and `encode`); `session`
keeps what one connection must remember. No socket, clock or environment: time is an argument. Who
is to blame is the type of the error: `PeerProtocolError` is theirs, `LocalProtocolError` is ours.
"""
