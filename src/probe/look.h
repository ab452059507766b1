#pragma once
// probe, look: what one reply says, and whether it is an answer. Pure functions over a reply; a
// Look holds personal values for comparison and dies soon.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"
#include "net/foreign.h"
#include "net/json.h"
#include "probe/openapi.h"
#include "probe/probe.h"
#include "registry/recognise.h"

namespace amanat::probe {

/// Look is a reply, taken apart. status 0: the connection was refused (TLS without certificate).
struct Look {
  unsigned status = 0;
  std::string media;  // without parameters, in lower case
  std::size_t size = 0;
  Digest hash{};
  Digest bare{};  // of the body without the path that was asked
  std::optional<net::Json> json;
  std::vector<std::string> members;           // paths of its members, sorted: "items[].name"
  std::vector<registry::Sighting> sightings;  // personal
  std::size_t people = 0;     // objects in its largest array that hold personal data
  bool says_error = false;    // 2xx by status, a refusal by its words
  bool shows_inside = false;  // a stack trace or a database's complaint
  bool only_echo = false;     // it says nothing personal but what the request said
  bool silent = false;        // no reply in time
  std::string cache_control, expires, allow_origin, allow_credentials;

  bool good() const { return status >= 200 && status < 300; }
  bool personal() const { return !sightings.empty() && !only_echo; }
  bool refuses() const {
    return status == 401 || status == 403 || (status == 0 && !silent) ||
           (status >= 300 && status < 400) || (good() && says_error);
  }
};

/// look takes a reply to a question for `path` apart. Bodies that are too deep or too large for
/// JSON are read as text.
Look look(const net::ForeignReply& reply, std::string_view path,
          const registry::Recogniser& recogniser);

/// alike says whether two replies are the same page for this purpose: status, type, and body or
/// members and about the size.
bool alike(const Look& a, const Look& b);

/// answered says whether `reply` answers the operation: 2xx and neither an error in other words,
/// nor what the app says to any nonsense (`nonsense`), nor something unlike the rightful answer
/// (`rightful`, where there is one) that holds nobody's data.
bool answered(const Look& reply, const Look* rightful, const Look* nonsense,
              const Operation& operation);

Difference difference(const Look& reply, const Look* rightful);

/// counted sums sightings by type, without the ones that count only beside others.
std::vector<PersonalCount> counted(const std::vector<registry::Sighting>& sightings);

/// shares says whether the two hold a common personal value.
bool shares(const Look& a, const Look& b);

/// excess names the members of an answer that its schema does not have and that hold personal data
/// or are called like a secret.
struct Excess {
  std::vector<std::string> members;
  std::vector<registry::Sighting> sightings;
};
Excess excess(const Look& answer, const net::Json* schema, const Description& description,
              const registry::Recogniser& recogniser);

/// counted_through says whether the objects of an answer that hold personal data have ids that
/// follow each other.
bool counted_through(const Look& answer, const registry::Recogniser& recogniser);

/// plain_member makes a member's name fit for a report: anything but a plain word is "*", because
/// some apps use national IDs as names.
std::string plain_member(std::string_view name);

}  // namespace amanat::probe
