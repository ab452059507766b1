#include "server/routes.h"

#include "server/problem.h"

namespace amanat::server {
namespace {

// A template path ends in nothing, in one part "{x}" or in many "{x...}".
std::pair<std::string, Rest> split_template(const std::string& path) {
  const std::size_t brace = path.find('{');
  if (brace == std::string::npos) return {path, Rest::none};
  insist(path.back() == '}');
  return {path.substr(0, brace), path.ends_with("...}") ? Rest::many_parts : Rest::one_part};
}

// What was answered to one caller is no answer to another.
void keep_out_of_caches(Response& response) {
  for (const auto& [name, value] : response.headers)
    if (name == "Cache-Control") return;
  response.headers.emplace_back("Cache-Control", "no-store");
}

// Every reply to a caller with a DPoP proof brings the nonce of the next one (RFC 9449 8.2).
net::Reply with_nonce(net::Reply reply, std::string nonce) {
  return [reply = std::move(reply), nonce = std::move(nonce)](Response response) mutable {
    response.headers.emplace_back("DPoP-Nonce", std::move(nonce));
    reply(std::move(response));
  };
}

}  // namespace

void Routes::add(RouteInfo info, OpenHandler handler) {
  auto [prefix, rest] = split_template(info.path);
  entries_.push_back(Entry{info.method, std::move(prefix), rest, std::move(handler), {}});
  infos_.push_back(std::move(info));
}

void Routes::open(identity::PublicRoute, RouteInfo info, OpenHandler handler) {
  info.is_public = true;
  add(std::move(info), std::move(handler));
}

void Routes::question(RouteInfo info, QuestionHandler handler) {
  entries_.push_back(Entry{info.method, info.path, Rest::none, {}, std::move(handler)});
  infos_.push_back(std::move(info));
}

void Routes::serve(Request request, net::Reply reply) const {
  if (nonce_) {
    std::string nonce = nonce_(request);
    if (!nonce.empty()) reply = with_nonce(std::move(reply), std::move(nonce));
  }
  bool path_known = false;
  for (const Entry& e : entries_) {
    std::string_view rest;
    if (e.rest == Rest::none) {
      if (request.path != e.prefix) continue;
    } else {
      if (!request.path.starts_with(e.prefix) || request.path.size() == e.prefix.size()) continue;
      rest = std::string_view(request.path).substr(e.prefix.size());
      if (e.rest == Rest::one_part && rest.find('/') != std::string_view::npos) continue;
    }
    path_known = true;
    if (request.method != e.method && !(request.method == "HEAD" && e.method == "GET")) continue;
    if (e.question) {
      e.question(std::move(request), std::move(reply));
      return;
    }
    auto response = e.handler(request, rest);
    if (!response) response = refusal(response.error(), request);
    keep_out_of_caches(*response);
    reply(*std::move(response));
    return;
  }
  const Failure none{path_known ? Reason::wrong_method : Reason::no_such_route, {}};
  reply(refusal(none, request));
}

std::vector<std::string> Routes::walk() const {
  std::vector<std::string> wrong;
  for (const RouteInfo& info : infos_) {
    if (info.is_public) continue;
    Request stranger;
    stranger.method = info.method;
    stranger.path = split_template(info.path).first;
    if (stranger.path != info.path) stranger.path += "x";
    stranger.headers.emplace_back("content-type", "application/json");
    stranger.body = "{}";
    unsigned status = 0;
    serve(std::move(stranger), [&status](Response r) { status = r.status; });
    if (status != 401) wrong.push_back(info.method + " " + info.path);
  }
  return wrong;
}

}  // namespace amanat::server
