#pragma once
// server, API: the exchange's HTTP routes, put into the one table. Thread-safe once made.

#include <memory>
#include <string>

#include "console/html.h"
#include "server/routes.h"

namespace amanat::server {

class Exchange;
class ReportDesk;

class Api {
 public:
  explicit Api(Exchange& exchange);
  ~Api();
  const Routes& routes() const { return routes_; }
  /// description is the OpenAPI 3.1 document, generated from the table.
  std::string description() const;

 private:
  void add_public();
  void add_lookups();
  void add_extracts();
  void add_records();
  void add_me();
  void add_alerts();
  void add_traces();
  void add_approvals();
  void add_cases();
  void add_policy();
  void add_retention();
  void add_sign_in();
  void add_enrolment();
  void add_oauth();
  void add_pages();
  void add_open_pages();
  void add_own_pages();
  void add_ask_pages();
  void add_citizen_pages();
  void add_decision_pages();
  void add_audit_pages();
  void add_notice_pages();
  void add_trace_pages();
  void add_watch_pages();
  Result<Response> act_to_sign(const Caller& caller, const Request& request,
                               const std::string& json, const console::Address& back);
  Response put_again(const Request& request, const std::string& account);
  Result<Response> finish_act(const Caller& caller, const Request& request);
  Result<Response> finish_trace_act(const Caller& caller, const Request& request);
  Result<Response> opened_trail(const Caller& caller, const Request& request);
  Exchange& exchange_;
  std::unique_ptr<ReportDesk> reports_;
  Routes routes_;
};

}  // namespace amanat::server
