// From a command line to a Call, by the table of commands.cc. Nothing is opened before the whole
// line has been understood.

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "cli/commands.h"
#include "model/field.h"
#include "model/insist.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kArgumentsMax = 4096, kArgumentBytesMax = 64 * 1024;

std::vector<std::string> split(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

const OptionRow* option_row(std::string_view name) {
  for (const auto& row : option_rows())
    if (row.name == name) return &row;
  return nullptr;
}

std::unexpected<Failure> wrong(std::string detail) { return fail(Reason::usage_wrong, std::move(detail)); }

std::string with_nearest(std::string what, std::string_view word, const std::vector<std::string>& known,
                         std::string_view before) {
  const auto near = nearest_word(word, known);
  if (!near.empty()) what += "; did you mean " + std::string(before) + std::string(near) + "?";
  return what;
}

std::string absolute(const std::string& path) {
  if (path == "-" || path.empty()) return path;
  std::error_code ignored;   // an unreadable working directory leaves the path as typed
  auto full = std::filesystem::absolute(path, ignored).lexically_normal().string();
  while (full.size() > 1 && full.back() == '/') full.pop_back();
  return full.empty() ? path : full;
}

struct Tokens {
  std::map<std::string, std::string, std::less<>> options;
  std::vector<std::string> words;
};

Result<Tokens> tokens_of(const std::vector<std::string>& arguments) {
  Tokens tokens;
  bool only_words = false;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (only_words || argument == "-" || !argument.starts_with("-")) {
      tokens.words.push_back(argument);
      continue;
    }
    if (argument == "--") {
      only_words = true;
      continue;
    }
    std::string name = argument == "-h" ? "help" : argument == "-V" ? "version" : argument.substr(1);
    if (name.starts_with("-")) name.erase(0, 1);
    const auto equals = name.find('=');
    std::optional<std::string> value;
    if (equals != std::string::npos) {
      value = name.substr(equals + 1);
      name.resize(equals);
    }
    const OptionRow* row = option_row(name);
    if (row == nullptr) {
      std::vector<std::string> known;
      for (const auto& o : option_rows()) known.emplace_back(o.name);
      return wrong(with_nearest("there is no option --" + name, name, known, "--"));
    }
    if (row->kind == ValueKind::none) {
      if (value) return wrong("--" + name + " takes no value");
      value = "";
    } else if (!value) {
      if (i + 1 == arguments.size()) return wrong("--" + name + " needs a value: " + std::string(row->value));
      value = arguments[++i];
    }
    if (row->kind == ValueKind::path) value = absolute(*value);
    if (!tokens.options.emplace(name, *std::move(value)).second) return wrong("--" + name + " is given twice");
  }
  return tokens;
}

// The longest command path that the words begin with; null if none.
const CommandRow* command_of(const std::vector<std::string>& words) {
  const CommandRow* best = nullptr;
  std::size_t best_length = 0;
  for (const auto& row : command_rows()) {
    const auto path = split(row.path);
    if (path.size() > words.size() || path.size() <= best_length) continue;
    if (!std::equal(path.begin(), path.end(), words.begin())) continue;
    best = &row;
    best_length = path.size();
  }
  return best;
}

std::unexpected<Failure> unknown_command(const std::vector<std::string>& words) {
  // Known first word: say what may follow it.
  std::string followers;
  std::vector<std::string> firsts, seconds;
  for (const auto& row : command_rows()) {
    const auto path = split(row.path);
    firsts.push_back(path[0]);
    if (path[0] == words[0] && path.size() > 1 &&
        std::find(seconds.begin(), seconds.end(), path[1]) == seconds.end()) {
      followers += followers.empty() ? path[1] : ", " + path[1];
      seconds.push_back(path[1]);
    }
  }
  if (followers.empty()) return wrong(with_nearest("there is no command " + words[0], words[0], firsts, ""));
  if (words.size() == 1) return wrong(words[0] + " needs one of: " + followers);
  return wrong(with_nearest(words[0] + " has no " + words[1] + ", only: " + followers, words[1], seconds, ""));
}

Result<void> check_words(Call& call) {
  const auto wanted = split(call.command->words);
  const auto must = std::count_if(wanted.begin(), wanted.end(), [](const std::string& w) { return w[0] != '['; });
  if (call.words.size() < static_cast<std::size_t>(must))
    return wrong(std::string(call.command->path) + " needs " + wanted[call.words.size()]);
  if (call.words.size() > wanted.size() && call.command->path != "help")
    return wrong("one word too many: " + call.words[wanted.size()]);
  for (std::size_t i = 0; i < std::min(wanted.size(), call.words.size()); ++i)
    if (wanted[i] == "FILE" || wanted[i] == "DIR") call.words[i] = absolute(call.words[i]);
  return {};
}

Result<void> check_options(const Call& call) {
  std::vector<std::string> known = {"help", "version", "manner"};
  for (auto name : split(call.command->options)) {
    const bool must = name.back() == '!';
    if (must) name.pop_back();
    insist(option_row(name) != nullptr);
    if (must && !call.has(name) && !call.has("help"))
      return wrong(std::string(call.command->path) + " needs --" + name + " " + std::string(option_row(name)->value) +
                   (name == "home" ? " (or AMANAT_HOME)" : ""));
    known.push_back(std::move(name));
  }
  for (const auto& [name, value] : call.options)
    if (std::find(known.begin(), known.end(), name) == known.end())
      return wrong(with_nearest(std::string(call.command->path) + " takes no --" + name, name, known, "--"));
  return {};
}

}  // namespace

const std::string& Call::option(std::string_view name) const {
  const auto at = options.find(name);
  insist(at != options.end());
  return at->second;
}

std::string Call::option_or(std::string_view name, std::string_view otherwise) const {
  const auto at = options.find(name);
  return at == options.end() ? std::string(otherwise) : at->second;
}

Result<Call> parse(const std::vector<std::string>& arguments) {
  if (arguments.size() > kArgumentsMax) return wrong("too many arguments");
  for (const auto& argument : arguments)
    if (argument.size() > kArgumentBytesMax || argument.find('\0') != std::string::npos)
      return wrong("an argument is too long");
  auto tokens = tokens_of(arguments);
  if (!tokens) return std::unexpected(tokens.error());

  Call call;
  call.options = std::move(tokens->options);
  if (tokens->words.empty()) tokens->words = {call.has("version") ? "version" : call.has("help") ? "help" : "status"};
  call.command = command_of(tokens->words);
  if (call.command == nullptr) {
    // `amanat enrol --help` asks about the group.
    if (!call.has("help")) return unknown_command(tokens->words);
    call.command = command_of({"help"});
    insist(call.command != nullptr);
    call.words = std::move(tokens->words);
    return call;
  }
  call.words.assign(tokens->words.begin() + static_cast<std::ptrdiff_t>(split(call.command->path).size()),
                    tokens->words.end());
  const auto known = split(call.command->options);
  const bool takes_home = std::any_of(known.begin(), known.end(), [](const auto& o) { return o.starts_with("home"); });
  if (const char* home = std::getenv("AMANAT_HOME"); takes_home && home != nullptr && *home != '\0')
    call.options.try_emplace("home", absolute(home));
  if (call.has("help")) return call;
  if (auto words = check_words(call); !words) return std::unexpected(words.error());
  if (auto options = check_options(call); !options) return std::unexpected(options.error());
  return call;
}

std::vector<std::string> as_arguments(const Call& call) {
  insist(call.command != nullptr);
  auto out = split(call.command->path);
  for (const auto& [name, value] : call.options) {
    const OptionRow* row = option_row(name);
    insist(row != nullptr);
    out.push_back(row->kind == ValueKind::none ? "--" + name : "--" + name + "=" + value);
  }
  out.emplace_back("--");
  out.insert(out.end(), call.words.begin(), call.words.end());
  return out;
}

}  // namespace amanat::cli
