"""The whole of Pravah on one machine: its processes, their order, starting and stopping them."""
