#include "probe/openapi.h"

#include <algorithm>
#include <set>

#include "model/insist.h"
#include "net/yaml.h"

namespace amanat::probe {
namespace {

constexpr net::JsonLimits kLimits = {
    .bytes_max = 8 << 20, .depth_max = 64, .values_max = 400'000, .numbers = net::JsonNumbers::any};
constexpr std::size_t kOperationsMost = 2000, kParametersMost = 64, kBodyMost = 64 * 1024;
constexpr unsigned kReferencesMost = 16, kSampleDepthMost = 6;

constexpr std::string_view kMethods[] = {"get",     "put",  "post", "delete",
                                         "options", "head", "patch"};

std::string text_of(const net::Json* node) {
  if (node == nullptr) return {};
  if (const auto* s = node->string()) return *s;
  if (const auto* n = std::get_if<std::int64_t>(&node->value)) return std::to_string(*n);
  if (const auto* n = std::get_if<std::uint64_t>(&node->value)) return std::to_string(*n);
  if (const auto* n = std::get_if<net::Json::Number>(&node->value)) return n->text;
  if (const auto b = node->boolean()) return *b ? "true" : "false";
  return {};
}

void append_json(std::string& out, const net::Json& node) {
  if (const auto* array = node.array()) {
    out += '[';
    for (std::size_t i = 0; i < array->size(); ++i) {
      if (i > 0) out += ',';
      append_json(out, (*array)[i]);
    }
    out += ']';
  } else if (const auto* object = node.object()) {
    out += '{';
    for (std::size_t i = 0; i < object->size(); ++i) {
      if (i > 0) out += ',';
      net::append_json_string(out, (*object)[i].name);
      out += ':';
      append_json(out, (*object)[i].value);
    }
    out += '}';
  } else if (const auto* s = node.string()) {
    net::append_json_string(out, *s);
  } else {
    const std::string text = text_of(&node);
    out += text.empty() ? "null" : text;
  }
}

// type_of returns a schema's type; 3.1 allows a list, of which the first that is not null counts.
std::string type_of(const net::Json* schema) {
  const net::Json* type = schema == nullptr ? nullptr : schema->find("type");
  if (type == nullptr) return {};
  if (const auto* s = type->string()) return *s;
  if (const auto* list = type->array())
    for (const auto& one : *list)
      if (const auto* s = one.string(); s != nullptr && *s != "null") return *s;
  return {};
}

// given returns a sample the description itself gives, or null.
const net::Json* given(const net::Json* node) {
  if (node == nullptr) return nullptr;
  for (const std::string_view name : {"example", "default", "const"})
    if (const auto* value = node->find(name)) return value;
  for (const std::string_view name : {"examples", "enum"}) {
    const auto* several = node->find(name);
    if (several == nullptr) continue;
    if (const auto* list = several->array(); list != nullptr && !list->empty())
      return &list->front();
    if (const auto* map = several->object(); map != nullptr && !map->empty())
      if (const auto* value = map->front().value.find("value")) return value;
  }
  return nullptr;
}

std::string invented(const net::Json* schema) {
  const std::string type = type_of(schema);
  if (type == "boolean") return "true";
  if (type == "integer" || type == "number") {
    const auto least = text_of(schema->find("minimum"));
    return least.empty() ? "1" : least;
  }
  const std::string format = schema == nullptr ? "" : text_of(schema->find("format"));
  if (format == "uuid") return "00000000-0000-4000-8000-000000000000";
  if (format == "date") return "2026-01-01";
  if (format == "date-time") return "2026-01-01T00:00:00Z";
  if (format == "email") return "probe@example.invalid";
  return "1";
}

bool plain_path(std::string_view path) {
  return path.starts_with('/') && path.size() <= 1024 &&
         std::all_of(path.begin(), path.end(),
                     [](char c) { return c > 0x20 && c < 0x7F && c != '?' && c != '#'; });
}

}  // namespace

const net::Json* Description::resolve(const net::Json* node) const {
  for (unsigned followed = 0; node != nullptr; ++followed) {
    const net::Json* reference = node->find("$ref");
    const std::string* text = reference == nullptr ? nullptr : reference->string();
    if (text == nullptr) return node;
    if (followed == kReferencesMost || !text->starts_with("#/")) return nullptr;
    node = document_.get();
    std::string_view left = std::string_view(*text).substr(1);
    while (node != nullptr && !left.empty()) {
      left.remove_prefix(1);
      const auto part = left.substr(0, left.find('/'));
      left.remove_prefix(part.size());
      std::string name;  // RFC 6901: ~1 is a slash, ~0 a tilde
      for (std::size_t i = 0; i < part.size(); ++i) {
        if (part[i] == '~' && i + 1 < part.size()) {
          name.push_back(part[++i] == '1' ? '/' : '~');
        } else {
          name.push_back(part[i]);
        }
      }
      node = node->find(name);
    }
  }
  return node;
}

void Description::append_sample(std::string& out, const net::Json* schema, unsigned depth) const {
  schema = resolve(schema);
  if (schema == nullptr || depth > kSampleDepthMost || out.size() > kBodyMost) {
    out += "null";
    return;
  }
  if (const auto* value = given(schema)) return append_json(out, *value);
  for (const std::string_view several : {"allOf", "oneOf", "anyOf"})
    if (const auto* list = schema->find(several); list != nullptr && list->array() != nullptr &&
                                                  !list->array()->empty() &&
                                                  schema->find("properties") == nullptr)
      return append_sample(out, &list->array()->front(), depth + 1);
  const std::string type = type_of(schema);
  if (const auto* properties = schema->find("properties");
      properties != nullptr && properties->object() != nullptr) {
    out += '{';
    bool first = true;
    for (const auto& member : *properties->object()) {
      if (!first) out += ',';
      first = false;
      net::append_json_string(out, member.name);
      out += ':';
      append_sample(out, &member.value, depth + 1);
    }
    out += '}';
  } else if (type == "array") {
    out += '[';
    append_sample(out, schema->find("items"), depth + 1);
    out += ']';
  } else if (type == "object") {
    out += "{}";
  } else if (type == "integer" || type == "number" || type == "boolean") {
    out += invented(schema);
  } else {
    net::append_json_string(out, invented(schema));
  }
}

// describes compares part by part; "{x}" stands for anything.
bool Description::describes(std::string_view path) const {
  return std::any_of(operations_.begin(), operations_.end(), [path](const Operation& operation) {
    std::string_view a = operation.path, b = path;
    while (!a.empty() && !b.empty()) {
      a.remove_prefix(1);
      b.remove_prefix(1);
      const auto x = a.substr(0, a.find('/')), y = b.substr(0, b.find('/'));
      if (x != y && (x.find('{') == x.npos || y.empty())) return false;
      a.remove_prefix(x.size());
      b.remove_prefix(y.size());
    }
    return a.empty() && b.empty();
  });
}

class DescriptionReader {
 public:
  Result<Description> read(std::string_view text);

 private:
  Result<void> parse(std::string_view text);
  Result<void> paths(const net::Json& map);
  Result<void> operation(const std::string& path, std::string_view method, const net::Json& item,
                         const net::Json& node);
  void parameters(const net::Json* list, Operation& into);
  void request_body(const net::Json& node, Operation& into);
  void answer(const net::Json& node, Operation& into);
  void key_schemes();
  bool open(const net::Json* security) const;
  void note(std::string text) {
    if (noted_.insert(text).second && noted_.size() <= 50) made_.notes_.push_back(std::move(text));
  }

  Description made_;
  std::set<std::string> noted_;
};

Result<Description> DescriptionReader::read(std::string_view text) {
  if (const auto parsed = parse(text); !parsed) return std::unexpected(parsed.error());
  const net::Json& root = *made_.document_;
  const std::string version = text_of(root.find("openapi"));
  if (!version.starts_with("3.0") && !version.starts_with("3.1"))
    return fail(Reason::description_wrong, root.find("swagger") != nullptr
                                               ? "it is Swagger 2: convert it to OpenAPI 3 first"
                                               : "no member openapi of 3.0 or 3.1");
  const net::Json* map = root.find("paths");
  if (map == nullptr || map->object() == nullptr)
    return fail(Reason::description_wrong, "no object paths");
  if (const auto* info = root.find("info")) made_.title_ = text_of(info->find("title"));
  if (made_.title_.size() > 200) made_.title_.resize(200);
  if (root.find("servers") != nullptr) note("servers: ignored; only the address given is asked");
  key_schemes();
  if (const auto read = paths(*map); !read) return std::unexpected(read.error());
  if (made_.operations_.empty())
    return fail(Reason::description_wrong, "it describes no operation");
  return std::move(made_);
}

Result<void> DescriptionReader::parse(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const auto first = text.find_first_not_of(" \t\r\n");
  const bool json = first != text.npos && text[first] == '{';
  auto parsed = json ? net::parse_json(text, kLimits) : net::parse_yaml(text, kLimits);
  if (!parsed) return std::unexpected(parsed.error());
  made_.document_ = std::make_unique<net::Json>(*std::move(parsed));
  return {};
}

void DescriptionReader::key_schemes() {
  const net::Json* components = made_.document_->find("components");
  const net::Json* schemes = components == nullptr ? nullptr : components->find("securitySchemes");
  if (schemes == nullptr || schemes->object() == nullptr) return;
  for (const auto& member : *schemes->object()) {
    const net::Json* scheme = made_.resolve(&member.value);
    if (scheme == nullptr || text_of(scheme->find("type")) != "apiKey") continue;
    if (text_of(scheme->find("in")) == "query" && made_.url_keys_.size() < 8)
      made_.url_keys_.push_back(text_of(scheme->find("name")));
  }
}

// open says whether a security requirement lets strangers in: none at all, or one that is empty.
bool DescriptionReader::open(const net::Json* security) const {
  const auto* list = security == nullptr ? nullptr : security->array();
  if (list == nullptr) return false;
  return list->empty() || std::any_of(list->begin(), list->end(), [](const net::Json& one) {
           return one.object() != nullptr && one.object()->empty();
         });
}

Result<void> DescriptionReader::paths(const net::Json& map) {
  for (const auto& member : *map.object()) {
    if (member.name.starts_with("x-")) continue;
    if (!plain_path(member.name)) {
      note("a path that does not begin with / or holds odd characters was left out");
      continue;
    }
    const net::Json* item = made_.resolve(&member.value);
    if (item == nullptr || item->object() == nullptr) {
      note(member.name + ": a reference to another document is not followed");
      continue;
    }
    for (const std::string_view method : kMethods)
      if (const auto* node = item->find(method); node != nullptr && node->object() != nullptr)
        if (const auto read = operation(member.name, method, *item, *node); !read) return read;
  }
  return {};
}

Result<void> DescriptionReader::operation(const std::string& path, std::string_view method,
                                          const net::Json& item, const net::Json& node) {
  if (made_.operations_.size() == kOperationsMost)
    return fail(Reason::description_wrong,
                "more than " + std::to_string(kOperationsMost) + " operations");
  Operation made;
  made.path = path;
  for (const char c : method) made.method.push_back(static_cast<char>(c - 'a' + 'A'));
  const net::Json* own = node.find("security");
  const net::Json* general = made_.document_->find("security");
  made.is_public = open(own != nullptr ? own : general);
  if (own == nullptr && general == nullptr)
    note("operations without security are taken as protected; mark public ones with security: []");
  parameters(node.find("parameters"), made);
  parameters(item.find("parameters"), made);
  // Parameters that a path names and the description forgot.
  for (std::size_t at = 0; (at = path.find('{', at)) != std::string::npos;) {
    const auto end = path.find('}', at);
    if (end == std::string::npos) break;
    const std::string name = path.substr(at + 1, end - at - 1);
    at = end;
    const bool known =
        std::any_of(made.parameters.begin(), made.parameters.end(),
                    [&](const auto& p) { return p.in == Parameter::In::path && p.name == name; });
    if (!known) made.parameters.push_back({name, Parameter::In::path, true, "1", false, {}});
  }
  request_body(node, made);
  answer(node, made);
  made_.operations_.push_back(std::move(made));
  return {};
}

void DescriptionReader::parameters(const net::Json* list, Operation& into) {
  if (list == nullptr || list->array() == nullptr) return;
  for (const auto& one : *list->array()) {
    if (into.parameters.size() == kParametersMost) return;
    const net::Json* node = made_.resolve(&one);
    if (node == nullptr) {
      note(into.name() + ": a parameter in another document was left out");
      continue;
    }
    Parameter made;
    made.name = text_of(node->find("name"));
    const std::string in = text_of(node->find("in"));
    if (made.name.empty() || made.name.size() > 200) continue;
    made.in = in == "path"     ? Parameter::In::path
              : in == "header" ? Parameter::In::header
              : in == "cookie" ? Parameter::In::cookie
                               : Parameter::In::query;
    const auto required = node->find("required");
    made.required =
        made.in == Parameter::In::path || (required != nullptr && required->boolean() == true);
    const net::Json* schema = made_.resolve(node->find("schema"));
    const net::Json* sample = given(node);
    if (sample == nullptr) sample = given(schema);
    if (sample != nullptr && sample->array() != nullptr && !sample->array()->empty())
      sample = &sample->array()->front();
    made.sample = text_of(sample);
    if (made.sample.empty()) made.sample = invented(schema);
    made.integer = type_of(schema) == "integer";
    if (schema != nullptr)
      if (const auto* most = schema->find("maximum")) made.maximum = most->integer();
    const bool known =
        std::any_of(into.parameters.begin(), into.parameters.end(),
                    [&](const auto& p) { return p.in == made.in && p.name == made.name; });
    if (!known) into.parameters.push_back(std::move(made));
  }
}

void DescriptionReader::request_body(const net::Json& node, Operation& into) {
  const net::Json* body = made_.resolve(node.find("requestBody"));
  const net::Json* content = body == nullptr ? nullptr : body->find("content");
  if (content == nullptr || content->object() == nullptr || content->object()->empty()) return;
  const auto& members = *content->object();
  const auto json = std::find_if(members.begin(), members.end(), [](const auto& m) {
    return m.name.find("json") != std::string::npos;
  });
  const auto& chosen = json != members.end() ? *json : members.front();
  into.media = chosen.name.substr(0, 100);
  if (into.media.find('*') != std::string::npos ||
      !std::all_of(into.media.begin(), into.media.end(),
                   [](char c) { return c >= 0x20 && c < 0x7F; }))
    into.media = "application/json";
  if (const auto* sample = given(&chosen.value)) {
    if (const auto* text = sample->string();
        text != nullptr && into.media.find("json") == std::string::npos)
      into.body = *text;
    else
      append_json(into.body, *sample);
  } else {
    made_.append_sample(into.body, chosen.value.find("schema"), 0);
  }
  if (into.body.size() <= kBodyMost) return;
  note(into.name() + ": the example of its body is too large and was left out");
  into.body = "{}";
}

void DescriptionReader::answer(const net::Json& node, Operation& into) {
  const net::Json* responses = node.find("responses");
  if (responses == nullptr || responses->object() == nullptr) return;
  for (const auto& response : *responses->object()) {
    if (!response.name.starts_with('2')) continue;
    const net::Json* one = made_.resolve(&response.value);
    const net::Json* content = one == nullptr ? nullptr : one->find("content");
    if (content == nullptr || content->object() == nullptr) continue;
    for (const auto& media : *content->object())
      if (media.name.find("json") != std::string::npos && into.answer == nullptr)
        into.answer = made_.resolve(media.value.find("schema"));
  }
}

Result<Description> Description::read(std::string_view text) {
  DescriptionReader reader;
  return reader.read(text);
}

}  // namespace amanat::probe
