#include "probe/look.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>

#include "crypto/crypto.h"
#include "model/insist.h"

namespace amanat::probe {
namespace {

constexpr net::JsonLimits kLimits = {
    .bytes_max = 1 << 20, .depth_max = 48, .values_max = 200'000, .numbers = net::JsonNumbers::any};
constexpr std::size_t kSightingsMost = 5000, kMembersMost = 2000;

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string scalar(const net::Json& node) {
  if (const auto* s = node.string()) return *s;
  if (const auto* n = std::get_if<std::int64_t>(&node.value)) return std::to_string(*n);
  if (const auto* n = std::get_if<std::uint64_t>(&node.value)) return std::to_string(*n);
  return {};
}

// Walker goes through a document once: members, sightings, people.
class Walker {
 public:
  Walker(const registry::Recogniser& recogniser, Look& into)
      : recogniser_(recogniser), into_(into) {}

  // walk returns how many sightings that count by themselves lie under `node`.
  std::size_t walk(const net::Json& node, const std::string& path, std::string_view name) {
    if (const auto* array = node.array()) return walk_array(*array, path, name);
    if (const auto* object = node.object()) return walk_object(*object, path);
    const std::string text = scalar(node);
    if (text.empty()) return 0;
    std::size_t sure = 0;
    for (auto& one : recogniser_.in_member(name, text)) sure += keep(std::move(one));
    return sure;
  }

 private:
  std::size_t keep(registry::Sighting one) {
    const bool sure = one.alone;
    if (sure)
      into_.sightings.size() < kSightingsMost ? into_.sightings.push_back(std::move(one)) : void();
    else
      unsure_.push_back(std::move(one));
    return sure ? 1 : 0;
  }

  std::size_t walk_array(const net::Json::Array& array, const std::string& path,
                         std::string_view name) {
    std::size_t sure = 0, people = 0;
    for (const auto& element : array) {
      const std::size_t unsure_before = unsure_.size();
      const std::size_t found = walk(element, path + "[]", name);
      people += found > 0 && element.object() != nullptr ? 1 : 0;
      sure += found;
      unsure_.resize(unsure_before);  // one row's ID does not make another row's name a person's
    }
    into_.people = std::max(into_.people, people);
    return sure;
  }

  // A word like "name" beside an ID, a number or a birth date is a person's.
  std::size_t walk_object(const net::Json::Object& object, const std::string& path) {
    const std::size_t unsure_before = unsure_.size();
    std::size_t sure = 0;
    for (const auto& member : object) {
      const std::string here = (path.empty() ? "" : path + ".") + plain_member(member.name);
      if (into_.members.size() < kMembersMost) into_.members.push_back(here);
      for (auto& one : recogniser_.in_text(member.name)) sure += keep(std::move(one));
      sure += walk(member.value, here, member.name);
    }
    if (sure == 0) return 0;  // the object around may yet say whose it is
    for (std::size_t i = unsure_before; i < unsure_.size(); ++i)
      if (into_.sightings.size() < kSightingsMost) into_.sightings.push_back(std::move(unsure_[i]));
    unsure_.resize(unsure_before);
    return sure;
  }

  const registry::Recogniser& recogniser_;
  Look& into_;
  std::vector<registry::Sighting> unsure_;
};

// Words by which apps say no under status 200.
bool error_in_json(const net::Json& json) {
  const auto* object = json.object();
  if (object == nullptr) return false;
  for (const auto& member : *object) {
    const std::string name = lowered(member.name);
    const auto text = member.value.string();
    if ((name == "error" || name == "errors" || name == "error_description") &&
        !std::holds_alternative<std::nullptr_t>(member.value.value) &&
        member.value.boolean() != false &&
        !(member.value.array() != nullptr && member.value.array()->empty()))
      return true;
    if ((name == "success" || name == "ok" || name == "authenticated") &&
        member.value.boolean() == false)
      return true;
    if (name == "status" && text != nullptr &&
        (lowered(*text) == "error" || lowered(*text) == "fail" || lowered(*text) == "unauthorized"))
      return true;
    if ((name == "status" || name == "code" || name == "statuscode") &&
        member.value.integer().value_or(0) >= 400 && member.value.integer().value_or(0) < 600)
      return true;
  }
  return false;
}

bool is_sign_in_page(std::string_view media, std::string_view body) {
  if (media != "text/html" && media != "application/xhtml+xml") return false;
  const std::string text = lowered(body.substr(0, 256 * 1024));
  return text.find("type=\"password\"") != text.npos || text.find("type='password'") != text.npos ||
         text.find("type=password") != text.npos;
}

constexpr std::string_view kInside[] = {"Traceback (most recent call last)",
                                        "\n\tat ",
                                        "\\n\\tat ",
                                        "\n    at ",
                                        "\\n    at ",
                                        "Exception in thread",
                                        "java.lang.",
                                        "System.NullReferenceException",
                                        "ORA-0",
                                        "SQLSTATE[",
                                        "syntax error at or near",
                                        "You have an error in your SQL syntax",
                                        "PG::",
                                        "goroutine 1 [",
                                        "Stack trace:",
                                        "psycopg2."};

bool shows_inside(std::string_view body) {
  return std::any_of(std::begin(kInside), std::end(kInside),
                     [body](std::string_view mark) { return body.find(mark) != body.npos; });
}

bool near_size(std::size_t a, std::size_t b) {
  const std::size_t larger = std::max(a, b), smaller = std::min(a, b);
  return (larger - smaller) * 5 <= larger;
}

// bare_hash is that of a page without the path it repeats to whoever asks.
Digest bare_hash(std::string_view body, std::string_view path) {
  crypto::Sha256 hash;
  while (path.size() > 1 && !body.empty()) {
    const auto at = std::min(body.find(path), body.size());
    hash.update(body.substr(0, at));
    body.remove_prefix(std::min(at + path.size(), body.size()));
  }
  hash.update(body);
  return hash.finish();
}

// common returns how many of the members of both are shared, in hundredths of all.
unsigned common(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  const std::size_t all = a.size() + b.size() - both.size();
  return all == 0 ? 0 : static_cast<unsigned>(both.size() * 100 / all);
}

}  // namespace

std::string plain_member(std::string_view name) {
  std::size_t digits = 0;
  const bool plain =
      !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [&](char c) {
        digits += c >= '0' && c <= '9' ? 1 : 0;
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '@' || c == '$';
      });
  return plain && digits < 5 ? std::string(name) : "*";
}

Look look(const net::ForeignReply& reply, std::string_view path,
          const registry::Recogniser& recogniser) {
  Look made;
  made.status = reply.status;
  const auto type = reply.header("content-type");
  made.media = lowered(type.substr(0, type.find(';')));
  while (made.media.ends_with(' ')) made.media.pop_back();
  made.size = reply.body.size();
  made.hash = crypto::sha256(reply.body);
  made.bare = bare_hash(reply.body, path);
  made.cache_control = lowered(reply.header("cache-control"));
  made.expires = reply.header("expires");
  made.allow_origin = reply.header("access-control-allow-origin");
  made.allow_credentials = lowered(reply.header("access-control-allow-credentials"));
  const auto first = reply.body.find_first_not_of(" \t\r\n");
  if (first != std::string::npos && (reply.body[first] == '{' || reply.body[first] == '[')) {
    if (auto parsed = net::parse_json(reply.body, kLimits)) {
      made.json = *std::move(parsed);
      Walker walker(recogniser, made);
      walker.walk(*made.json, "", "");
      std::sort(made.members.begin(), made.members.end());
      made.members.erase(std::unique(made.members.begin(), made.members.end()), made.members.end());
      made.says_error = error_in_json(*made.json);
    }
  }
  const bool text =
      reply.header("content-encoding").empty() && reply.body.find('\0') == std::string::npos;
  if (!made.json && text) {
    made.sightings = recogniser.in_text(reply.body, kSightingsMost);
    // Lines of a table are people too.
    std::size_t people = 0;
    for (std::string_view left = reply.body; !left.empty();) {
      const auto end = std::min(left.find('\n'), left.size());
      people +=
          made.sightings.empty() || recogniser.in_text(left.substr(0, end), 1).empty() ? 0 : 1;
      left.remove_prefix(std::min(end + 1, left.size()));
    }
    made.people = people;
  }
  made.says_error = made.says_error || is_sign_in_page(made.media, reply.body);
  made.shows_inside = text && shows_inside(reply.body);
  return made;
}

bool alike(const Look& a, const Look& b) {
  if (a.status != b.status || a.media != b.media) return false;
  if (a.hash == b.hash || a.bare == b.bare) return true;
  if (a.json && b.json) return a.members == b.members && a.sightings.empty() == b.sightings.empty();
  return !a.json && !b.json && near_size(a.size, b.size);
}

bool answered(const Look& reply, const Look* rightful, const Look* nonsense,
              const Operation& operation) {
  if (!reply.good()) return false;
  if (rightful != nullptr && rightful->good() && reply.size > 0 && reply.hash == rightful->hash)
    return true;
  if (reply.personal()) return true;
  if (reply.says_error) return false;
  if (nonsense != nullptr && alike(reply, *nonsense)) return false;
  // What writes has done its work, whatever it says.
  if (reply.size == 0) return operation.writes();
  if (rightful == nullptr || !rightful->good()) return true;
  if (rightful->json && reply.json)
    return reply.members.empty() ? rightful->members.empty()
                                 : common(reply.members, rightful->members) >= 50;
  return !rightful->json && !reply.json && reply.media == rightful->media &&
         near_size(reply.size, rightful->size);
}

Difference difference(const Look& reply, const Look* rightful) {
  if (rightful == nullptr || !rightful->good()) return Difference::unknown;
  if (reply.size == 0) return Difference::no_body;
  if (reply.hash == rightful->hash) return Difference::same_body;
  return reply.members == rightful->members && reply.media == rightful->media
             ? Difference::same_members
             : Difference::other_members;
}

std::vector<PersonalCount> counted(const std::vector<registry::Sighting>& sightings) {
  std::map<registry::PersonalType, PersonalCount> by_type;
  for (const auto& one : sightings) {
    auto& count = by_type[one.type];
    count.type = one.type;
    if (count.count++ == 0) count.shape = one.shape;
  }
  std::vector<PersonalCount> out;
  for (auto& [type, count] : by_type) out.push_back(std::move(count));
  return out;
}

bool shares(const Look& a, const Look& b) {
  std::set<std::pair<registry::PersonalType, std::string_view>> known;
  for (const auto& one : a.sightings) known.emplace(one.type, one.normal);
  return std::any_of(b.sightings.begin(), b.sightings.end(), [&](const auto& one) {
    return known.contains({one.type, one.normal});
  });
}

namespace {

bool called_like_a_secret(std::string_view name) {
  std::string word;
  for (const char c : lowered(name))
    if (c >= 'a' && c <= 'z') word.push_back(c);
  for (const std::string_view secret :
       {"password", "passwordhash", "passwd", "pwd", "secret", "privatekey", "apikey", "salt",
        "otp", "pin", "pincode", "hashedpassword", "securityanswer"})
    if (word == secret) return true;
  return false;
}

// Excessive walks an answer and its schema side by side.
class Excessive {
 public:
  Excessive(const Description& description, const registry::Recogniser& recogniser)
      : description_(description), recogniser_(recogniser) {}

  void walk(const net::Json& node, const net::Json* schema, const std::string& path,
            unsigned depth) {
    schema = description_.resolve(schema);
    if (schema == nullptr || depth > 24) return;
    if (const auto* array = node.array()) {
      const auto* items = find(schema, "items", 0);
      for (const auto& element : *array) walk(element, items, path + "[]", depth + 1);
      return;
    }
    const auto* object = node.object();
    if (object == nullptr) return;
    std::map<std::string_view, const net::Json*> known;
    bool free = false;
    collect(schema, known, free, 0);
    if (free || known.empty()) return;
    for (const auto& member : *object) {
      const std::string here = (path.empty() ? "" : path + ".") + plain_member(member.name);
      if (const auto at = known.find(member.name); at != known.end())
        walk(member.value, at->second, here, depth + 1);
      else
        beyond(member, here);
    }
  }
  Excess take() {
    found_.members.assign(names_.begin(), names_.end());
    return std::move(found_);
  }

 private:
  const net::Json* find(const net::Json* schema, std::string_view name, unsigned depth) const {
    schema = description_.resolve(schema);
    if (schema == nullptr || depth > 8) return nullptr;
    if (const auto* found = schema->find(name)) return found;
    for (const std::string_view several : {"allOf", "oneOf", "anyOf"})
      if (const auto* list = schema->find(several); list != nullptr && list->array() != nullptr)
        for (const auto& one : *list->array())
          if (const auto* found = find(&one, name, depth + 1)) return found;
    return nullptr;
  }

  // collect gathers the members a schema names; `free` if it lets others in by its own words.
  void collect(const net::Json* schema, std::map<std::string_view, const net::Json*>& known,
               bool& free, unsigned depth) const {
    schema = description_.resolve(schema);
    if (schema == nullptr || depth > 8) {
      free = true;
      return;
    }
    if (const auto* more = schema->find("additionalProperties");
        more != nullptr && more->boolean() != false)
      free = true;
    if (schema->find("patternProperties") != nullptr) free = true;
    if (const auto* properties = schema->find("properties");
        properties != nullptr && properties->object() != nullptr)
      for (const auto& member : *properties->object()) known.emplace(member.name, &member.value);
    for (const std::string_view several : {"allOf", "oneOf", "anyOf"})
      if (const auto* list = schema->find(several); list != nullptr && list->array() != nullptr)
        for (const auto& one : *list->array()) collect(&one, known, free, depth + 1);
  }

  void beyond(const net::Json::Member& member, const std::string& path) {
    Look under;
    Walker walker(recogniser_, under);
    net::Json::Object alone;
    alone.push_back(member);
    walker.walk(net::Json{std::move(alone)}, "", "");
    if (under.sightings.empty() && !called_like_a_secret(member.name)) return;
    if (names_.size() < 50) names_.insert(path);
    for (auto& one : under.sightings)
      if (found_.sightings.size() < kSightingsMost) found_.sightings.push_back(std::move(one));
  }

  const Description& description_;
  const registry::Recogniser& recogniser_;
  std::set<std::string> names_;
  Excess found_;
};

std::optional<std::uint64_t> id_of(const net::Json& object) {
  for (const auto& member : *object.object()) {
    const std::string name = lowered(member.name);
    if (name != "id" && !name.ends_with("_id") && !member.name.ends_with("Id") &&
        !name.ends_with("_no"))
      continue;
    const std::string text = scalar(member.value);
    std::uint64_t id = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    if (error == std::errc{} && stop == text.data() + text.size() && !text.empty() &&
        text.size() <= 9)
      return id;
  }
  return std::nullopt;
}

bool follow_each_other(const net::Json::Array& array, const registry::Recogniser& recogniser) {
  std::vector<std::uint64_t> ids;
  for (const auto& element : array) {
    if (element.object() == nullptr) return false;
    const auto id = id_of(element);
    if (!id) return false;
    ids.push_back(*id);
  }
  if (ids.size() < 4) return false;
  std::sort(ids.begin(), ids.end());
  for (std::size_t i = 1; i < ids.size(); ++i)
    if (ids[i] != ids[i - 1] + 1) return false;
  Look personal;
  Walker walker(recogniser, personal);
  return walker.walk(array.front(), "", "") > 0;
}

bool any_counted(const net::Json& node, const registry::Recogniser& recogniser, unsigned depth) {
  if (depth > 8) return false;
  if (const auto* array = node.array()) {
    if (follow_each_other(*array, recogniser)) return true;
    return !array->empty() && any_counted(array->front(), recogniser, depth + 1);
  }
  const auto* object = node.object();
  return object != nullptr && std::any_of(object->begin(), object->end(), [&](const auto& member) {
           return any_counted(member.value, recogniser, depth + 1);
         });
}

}  // namespace

Excess excess(const Look& answer, const net::Json* schema, const Description& description,
              const registry::Recogniser& recogniser) {
  Excessive walker(description, recogniser);
  if (answer.json && schema != nullptr) walker.walk(*answer.json, schema, "", 0);
  return walker.take();
}

bool counted_through(const Look& answer, const registry::Recogniser& recogniser) {
  return answer.json && any_counted(*answer.json, recogniser, 0);
}

}  // namespace amanat::probe
