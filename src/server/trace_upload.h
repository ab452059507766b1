#pragma once
// server, trace upload: a leaked file that comes with a page's form, sealed as it arrives.

#include <memory>

#include "net/http.h"

namespace amanat::server {

class Exchange;

/// kTraceUploadPath is where a form with a leaked file goes.
inline constexpr std::string_view kTraceUploadPath = "/traces";
inline constexpr std::uint64_t kTraceUploadMax = std::uint64_t{1} << 40;

/// begin_trace_upload takes such a form's body: fields brought-by and leak-day, then the file. Who
/// is not signed in with the right 'audit' is refused at the first byte. The body handed on is the
/// trace's id, or empty if the form was not whole. A connection that ends before cancels the trace.
std::unique_ptr<net::Upload> begin_trace_upload(Exchange& exchange, const Request& head);

}  // namespace amanat::server
