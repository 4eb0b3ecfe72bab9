"""The findings, a module each: what is asked, how it is decided, and the sentence. They are found by being here."""
