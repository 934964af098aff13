//! The dialect from outside: requests as clients send them, answers as they read them.

mod apigatewayv2;
mod coverage;
mod data_plane;
mod form;
mod harness;
mod iam;
mod lambda;
mod path;
mod s3;
mod sts;
mod table;
mod trace;
