//! What the tests share: a whole application in process, fakes, stories.
