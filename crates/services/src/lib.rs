//! What answers commands such as /help and /who.
