#include "probe/ask.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include "probe/variants.h"

namespace amanat::probe {
namespace {

constexpr unsigned kFailuresMost = 20, kBusyMost = 2, kBusySecondsMost = 30;

// A header that a description names is sent only if it is one, and none that steers the request.
bool may_send(std::string_view name) {
  std::string low;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
    low.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  for (const std::string_view taken :
       {"accept", "authorization", "content-type", "content-length", "host", "cookie", "connection",
        "transfer-encoding", "expect", "upgrade", "te"})
    if (low == taken) return false;
  return !low.empty();
}

std::string plain(std::string_view value) {
  std::string out;
  for (const char c : value)
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) out.push_back(c);
  return out;
}

template <class Value>
Ask filled(const Operation& operation, const Value& value_of) {
  Ask ask;
  ask.method = operation.method;
  ask.path = operation.path;
  std::string path;
  for (std::size_t at = 0; at < ask.path.size();) {
    const auto open = ask.path.find('{', at);
    const auto close = open == std::string::npos ? open : ask.path.find('}', open);
    if (close == std::string::npos) {
      path += ask.path.substr(at);
      break;
    }
    path += ask.path.substr(at, open - at);
    const std::string name = ask.path.substr(open + 1, close - open - 1);
    for (const auto& p : operation.parameters)
      if (p.in == Parameter::In::path && p.name == name) {
        const std::string value = value_of(p, ask).value_or(p.sample);
        path += encoded(value);
        ask.sent.push_back(value);
        break;
      }
    at = close + 1;
  }
  ask.path = std::move(path);
  for (const auto& p : operation.parameters) {
    if (p.in == Parameter::In::path || p.in == Parameter::In::cookie) continue;
    const auto given = value_of(p, ask);
    if (!given && !p.required) continue;
    const std::string value = given.value_or(p.sample);
    ask.sent.push_back(value);
    if (p.in == Parameter::In::query)
      ask.query += (ask.query.empty() ? "" : "&") + encoded(p.name) + "=" + encoded(value);
    else if (may_send(p.name))
      ask.headers.emplace_back(p.name, plain(value));
  }
  return ask;
}

}  // namespace

Ask fill(const Operation& operation, const Credential* whose) {
  Ask ask = filled(operation, [whose](const Parameter& p, Ask& into) -> std::optional<std::string> {
    if (whose == nullptr) return std::nullopt;
    const auto at = whose->values.find(p.name);
    if (at == whose->values.end()) return std::nullopt;
    into.own_value = true;
    return at->second;
  });
  if (!operation.media.empty()) {
    ask.media = operation.media;
    ask.body = operation.body;
  }
  if (whose != nullptr)
    if (const auto at = whose->bodies.find(operation.name()); at != whose->bodies.end()) {
      ask.body = at->second;
      if (ask.media.empty()) ask.media = "application/json";
    }
  if (!ask.body.empty()) ask.sent.push_back(ask.body);
  return ask;
}

Ask fill_with(const Operation& operation, std::string_view value) {
  Ask ask = filled(operation, [value](const Parameter& p, Ask&) -> std::optional<std::string> {
    if (p.in == Parameter::In::header) return std::nullopt;
    return std::string(value);
  });
  ask.media = operation.media;
  ask.body = operation.body;
  return ask;
}

void show(Ask& ask, const Credential& credential) {
  ask.headers.insert(ask.headers.end(), credential.headers.begin(), credential.headers.end());
  for (const auto& [name, value] : credential.query)
    ask.query += (ask.query.empty() ? "" : "&") + encoded(name) + "=" + encoded(value);
  ask.certificate = credential.certificate;
}

std::string target_of(const Ask& ask, std::string_view base) {
  std::string target = std::string(base) + ask.path;
  if (!ask.query.empty()) target += "?" + ask.query;
  return target;
}

Result<net::ForeignReply> Asker::send(const Ask& ask, const std::string& target) {
  net::ForeignRequest request;
  request.method = ask.method;
  request.target = target;
  request.headers = {{"User-Agent", "amanat-probe"}, {"Accept-Encoding", "identity"}};
  const auto names = [&](std::string_view name) {
    return std::any_of(ask.headers.begin(), ask.headers.end(),
                       [name](const auto& h) { return h.first == name; });
  };
  if (!names("Accept")) request.headers.emplace_back("Accept", "application/json, */*;q=0.5");
  request.headers.insert(request.headers.end(), ask.headers.begin(), ask.headers.end());
  if (!ask.media.empty() && !ask.body.empty())
    request.headers.emplace_back("Content-Type", ask.media);
  request.body = ask.body;
  for (unsigned busy = 0;; ++busy) {
    std::this_thread::sleep_until(next_);
    next_ = std::chrono::steady_clock::now() + pause_;
    ++asked_;
    auto reply = foreign_.ask(request, ask.certificate);
    const bool too_busy =
        reply &&
        (reply->status == 429 || (reply->status == 503 && !reply->header("retry-after").empty()));
    if (!too_busy || busy == kBusyMost) return reply;
    const auto wait = reply->header("retry-after");
    unsigned seconds = 1;
    const auto [stop, error] = std::from_chars(wait.data(), wait.data() + wait.size(), seconds);
    if (error != std::errc{} || stop != wait.data() + wait.size()) seconds = 1;
    next_ = std::chrono::steady_clock::now() +
            std::chrono::seconds(std::min(seconds, kBusySecondsMost));
  }
}

void Asker::mark_echo(const Ask& ask, Look& look) const {
  if (look.sightings.empty()) return;
  std::set<std::string> sent(ask.sent.begin(), ask.sent.end());
  for (const auto& value : ask.sent)
    for (auto& one : recogniser_.in_text(value)) sent.insert(std::move(one.normal));
  look.only_echo =
      std::all_of(look.sightings.begin(), look.sightings.end(),
                  [&](const registry::Sighting& one) { return sent.contains(one.normal); });
}

Result<Look> Asker::ask_target(const Ask& ask, const std::string& target) {
  auto reply = send(ask, target);
  if (!reply) {
    const Reason reason = reply.error().reason;
    if (reason != Reason::peer_unreachable && reason != Reason::malformed_request)
      return std::unexpected(reply.error());
    if (++failed_in_a_row_ >= kFailuresMost || asked_ == 1) {
      // Is the app gone, or does it end the connections of strangers?
      auto still = send(alive_, target_of(alive_, base_));
      if (!still) return std::unexpected(still.error());
      failed_in_a_row_ = 0;
    }
    Look refused;
    refused.silent = reply.error().detail.ends_with("no reply in time");
    return refused;
  }
  failed_in_a_row_ = 0;
  Look made = look(*reply, std::string_view(target).substr(0, target.find('?')), recogniser_);
  mark_echo(ask, made);
  return made;
}

}  // namespace amanat::probe
