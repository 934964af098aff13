//! Templates against aws-sam-translator.

mod sam;
