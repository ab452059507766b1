#pragma once
// server, a page: what stands around a document of the console on the wire, and for whom it is
// drawn. Pure functions.

#include <string>

#include "console/pages.h"
#include "model/request.h"
#include "model/result.h"

namespace amanat::server {

/// wants_page says whether a request comes from somebody who reads pages: a browser's navigation.
bool wants_page(const Request& request);
/// reader_of is whom to draw for; `account` is empty for strangers.
console::Reader reader_of(const Request& request, std::string account);
/// page is a document with the headers every page has: nothing inline, in nobody's frame, in no
/// cache.
Response page(std::string document, unsigned status = 200);
/// see_other sends a browser to another page of ours.
Response see_other(const console::Address& address);
/// refused_page is a failure as a page; whoever is not signed in is sent to do so.
Response refused_page(const Failure& failure, const Request& request, std::string account);

}  // namespace amanat::server
