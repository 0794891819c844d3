"""How records come in: transports, the receiver, and the worker with its one visible sequence."""
