"""How Hải Đăng is set up and run: the private servers of one home directory and the supervisor of its processes."""
