#pragma once
// server, routes: the one table of what can be asked over HTTP. A data route's handler takes a
// Caller, and one that does not is not a DataHandler and does not compile; strangers reach the
// enumerators of identity::PublicRoute and nothing else. The API description and the list the tests
// walk are made from this table.

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "identity/identity.h"
#include "identity/public_routes.h"
#include "model/passes.h"
#include "model/request.h"
#include "net/http.h"

namespace amanat::server {

/// DataHandler is what a data route may be served by: it cannot be called without a Caller. The
/// text is what stands for the route's "{...}".
template <class H>
concept DataHandler =
    std::invocable<H, const Caller&, const Request&, std::string_view> &&
    !std::invocable<H, const Request&, std::string_view> &&
    !std::invocable<H, const Request&> &&
    std::same_as<std::invoke_result_t<H, const Caller&, const Request&, std::string_view>,
                 Result<Response>>;

/// Rest says how a path's last part is matched.
enum class Rest : std::uint8_t { none, one_part, many_parts };

/// RouteInfo is a row of the table, for people and for the API description.
struct RouteInfo {
  std::string method, path;  // "/v1/records/{dataset}"
  std::string who, says;
  bool is_public = false;
};

class Routes {
 public:
  using Identify = std::function<Result<Caller>(const Request&)>;
  /// `identify` proves the caller of data routes that carry no question, `session` that of a
  /// session's own pages, `act` that of a confirmed act.
  Routes(Identify identify, Identify session, Identify act)
      : identify_(std::move(identify)), session_(std::move(session)), act_(std::move(act)) {}

  /// data adds a route for identified callers.
  template <DataHandler H>
  void data(RouteInfo info, H handler) {
    proven(std::move(info), identify_, std::move(handler));
  }
  /// session adds a route of a signed-in person's own pages: a Caller by session alone. It shows
  /// nothing of anybody else.
  template <DataHandler H>
  void session(RouteInfo info, H handler) {
    proven(std::move(info), session_, std::move(handler));
  }
  /// act adds a route whose body is a confirmed act: Caller::act() is set.
  template <DataHandler H>
  void act(RouteInfo info, H handler) {
    proven(std::move(info), act_, std::move(handler));
  }
  /// proven_by adds a route whose caller is proven in a way of its own.
  template <DataHandler H>
  void proven_by(Identify by, RouteInfo info, H handler) {
    add(std::move(info),
        [by = std::move(by), handler = std::move(handler)](
            const Request& request, std::string_view rest) -> Result<Response> {
          auto caller = by(request);
          if (!caller) return std::unexpected(caller.error());
          return handler(*caller, request, rest);
        });
  }
  /// open adds a route for anybody: one of the enumerators, or it does not compile.
  using OpenHandler = std::function<Result<Response>(const Request&, std::string_view rest)>;
  void open(identity::PublicRoute which, RouteInfo info, OpenHandler handler);
  /// question adds the one route that hands the raw request on, because identification reads the
  /// body only after the credential.
  using QuestionHandler = std::function<void(Request, net::Reply)>;
  void question(RouteInfo info, QuestionHandler handler);

  /// nonces sets where the DPoP-Nonce of a reply comes from; empty: none for this caller.
  void nonces(std::function<std::string(const Request&)> nonce) { nonce_ = std::move(nonce); }

  /// serve dispatches one request.
  void serve(Request request, net::Reply reply) const;
  /// walk asks every route that is not public without a credential and names those that did not
  /// refuse with 401; run at start-up, where any is fatal.
  std::vector<std::string> walk() const;
  const std::vector<RouteInfo>& list() const { return infos_; }

 private:
  struct Entry {
    std::string method, prefix;
    Rest rest = Rest::none;
    OpenHandler handler;
    QuestionHandler question;
  };
  template <DataHandler H>
  void proven(RouteInfo info, const Identify& by, H handler) {
    add(std::move(info),
        [&by, handler = std::move(handler)](const Request& request,
                                            std::string_view rest) -> Result<Response> {
          auto caller = by(request);
          if (!caller) return std::unexpected(caller.error());
          return handler(*caller, request, rest);
        });
  }
  void add(RouteInfo info, OpenHandler handler);
  Identify identify_, session_, act_;
  std::function<std::string(const Request&)> nonce_;
  std::vector<Entry> entries_;
  std::vector<RouteInfo> infos_;
};

}  // namespace amanat::server
