"""The HTTP API: routes, who may use them, and the shapes of answers. Leaves every rule about incidents below."""
