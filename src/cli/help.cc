// Help, man page and completions, all rendered from the table of commands.cc.

#include <algorithm>
#include <sstream>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "model/insist.h"

#ifndef AMANAT_VERSION
#define AMANAT_VERSION "0.1.0"
#endif

namespace amanat::cli {
namespace {

std::vector<std::string> split(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

struct Taken {
  const OptionRow* row;
  bool must;
};
std::vector<Taken> options_of(const CommandRow& command) {
  std::vector<Taken> out;
  for (auto name : split(command.options)) {
    const bool must = name.back() == '!';
    if (must) name.pop_back();
    for (const auto& row : option_rows())
      if (row.name == name) out.push_back({&row, must});
  }
  insist(out.size() == split(command.options).size());
  return out;
}

std::string spelled(const OptionRow& row) {
  return "--" + std::string(row.name) + (row.value.empty() ? "" : " " + std::string(row.value));
}

std::string synopsis(const CommandRow& command) {
  std::string out = "amanat " + std::string(command.path);
  if (!command.words.empty()) out += " " + std::string(command.words);
  for (const auto& [row, must] : options_of(command)) out += must ? " " + spelled(*row) : " [" + spelled(*row) + "]";
  return out;
}

bool asks_for_personal(const CommandRow& command) {
  const auto options = options_of(command);
  return std::any_of(options.begin(), options.end(), [](const auto& o) { return o.row->kind == ValueKind::personal; });
}

constexpr std::string_view kPersonalWarning =
    "A national ID or phone number on a command line is personal data that everybody on this machine can read in the "
    "process list and that stays in the shell's history. Give - instead and send it on standard input, or put the "
    "whole question into a file with --question.";

// roff: a line must not begin with a dot or quote, and '-' and '\' are escaped.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\') out += "\\e";
    else if (c == '-') out += "\\-";
    else if (c == '\'' && out.empty()) out += "\\(aq";
    else out += c;
  }
  if (!out.empty() && out[0] == '.') out.insert(0, "\\&");
  return out;
}

std::string quoted_for_shell(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Longest path first, so that "enrol device" is matched before "enrol".
std::vector<const CommandRow*> longest_first() {
  std::vector<const CommandRow*> rows;
  for (const auto& row : command_rows()) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](const CommandRow* a, const CommandRow* b) {
    return a->path.size() != b->path.size() ? a->path.size() > b->path.size() : a->path < b->path;
  });
  return rows;
}

std::string bash_completion() {
  std::string out =
      "# bash completion for amanat; made by: amanat help --completion bash\n"
      "_amanat() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path= word\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case $word in -*) ;; *) path=${path:+$path }$word ;; esac\n"
      "  done\n"
      "  case $prev in\n";
  for (const auto& row : option_rows())
    if (row.kind == ValueKind::path)
      out += "    --" + std::string(row.name) + ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n";
  out += "    --completion) COMPREPLY=($(compgen -W 'bash zsh' -- \"$cur\")); return ;;\n  esac\n  local words=\n  case $path in\n";
  for (const auto* row : longest_first()) {
    std::string words;
    for (const auto& [option, must] : options_of(*row)) words += "--" + std::string(option->name) + " ";
    out += "    '" + std::string(row->path) + "'*) words='" + words + "--help' ;;\n";
  }
  std::vector<std::string> firsts;
  for (const auto& row : command_rows()) {
    const auto path = split(row.path);
    if (std::find(firsts.begin(), firsts.end(), path[0]) != firsts.end()) continue;
    firsts.push_back(path[0]);
    std::string seconds;
    for (const auto& other : command_rows())
      if (const auto p = split(other.path); p[0] == path[0] && p.size() > 1) seconds += p[1] + " ";
    if (!seconds.empty()) out += "    '" + path[0] + "'*) words='" + seconds + "' ;;\n";
  }
  out += "    *) words='";
  for (const auto& first : firsts) out += first + " ";
  out += "--help --version' ;;\n  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "  [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- \"$cur\"))\n"
         "}\ncomplete -o filenames -F _amanat amanat\n";
  return out;
}

std::string zsh_completion() {
  std::string out = "#compdef amanat\n# zsh completion for amanat; made by: amanat help --completion zsh\n"
                    "local path word\nfor word in ${words[2,CURRENT-1]}; do\n"
                    "  [[ $word == -* ]] || path=\"${path:+$path }$word\"\ndone\nlocal -a options\ncase $path in\n";
  for (const auto* row : longest_first()) {
    out += "  ('" + std::string(row->path) + "'*) options=(";
    for (const auto& [option, must] : options_of(*row))
      out += quoted_for_shell("--" + std::string(option->name) + ":" + std::string(option->help)) + " ";
    out += "); _describe option options; _files; return ;;\n";
  }
  out += "esac\noptions=(";
  std::vector<std::string> seen;
  for (const auto& row : command_rows()) {
    const auto first = split(row.path)[0];
    if (std::find(seen.begin(), seen.end(), first) != seen.end()) continue;
    seen.push_back(first);
    out += quoted_for_shell(first + ":" + std::string(row.summary)) + " ";
  }
  return out + ")\n_describe command options\n";
}

}  // namespace

std::string short_help() {
  std::string out = "Amanat: departments keep records, officers ask, nothing is answered unrecorded.\n\n";
  Columns table;
  for (const auto& row : command_rows()) table.add({"amanat " + std::string(row.path), std::string(row.summary)});
  out += table.render("  ");
  out += "\nTry it: amanat demo. More on one: amanat help COMMAND. The home may be named once: export AMANAT_HOME=DIR.\n";
  return out;
}

std::string help_of(const CommandRow& command) {
  std::string out = "amanat " + std::string(command.path) + ": " + std::string(command.summary) + "\n\n";
  std::string line = synopsis(command);
  out += "  " + line + "\n\n";
  Columns table;
  for (const auto& [row, must] : options_of(command))
    table.add({spelled(*row), std::string(row->help) + (must ? " (must be given)" : "")});
  out += table.render("  ");
  if (asks_for_personal(command)) out += "\n" + wrapped(kPersonalWarning, 96, "  ");
  out += "\nExample:\n  " + std::string(command.example) + "\n";
  return out;
}

std::string man_page() {
  std::string out = ".TH AMANAT 1 \"\" \"amanat " AMANAT_VERSION "\" \"User commands\"\n.nh\n.SH NAME\n"
                    "amanat \\- a citizen\\-data exchange: no answer without a record\n.SH SYNOPSIS\n.B amanat\n"
                    ".I COMMAND\n[\\fIWORDS\\fR] [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n";
  out += roff("Departments keep records about people; officers of other departments may, for a lawful purpose and case, "
              "see some of them. Amanat stands between the two: whoever asks is proven, what is released is what the "
              "policy grants, and the record of it is durable before the first byte leaves.");
  out += "\n.PP\n" + roff("A command on a home that a running amanat serve has open is carried out by that process. "
                          "Without a command, amanat shows the status of the home.");
  out += "\n.SH COMMANDS\n";
  for (const auto& command : command_rows()) {
    out += ".SS " + roff(command.path) + "\n" + roff(command.summary) + ".\n.PP\n.nf\n" + roff(synopsis(command)) + "\n.fi\n";
    out += ".PP\n" + roff("Example: " + std::string(command.example)) + "\n";
  }
  out += ".SH OPTIONS\n";
  for (const auto& row : option_rows())
    if (!row.help.empty()) out += ".TP\n.B " + roff(spelled(row)) + "\n" + roff(row.help) + ".\n";
  out += ".PP\n" + roff(kPersonalWarning) + "\n.SH ENVIRONMENT\n.TP\n.B AMANAT_HOME\nThe home, where \\-\\-home is not given.\n"
         ".TP\n.B NO_COLOR\nIf set, no colours.\n.TP\n.B LANG\nIf it begins with ur, complaints are in Urdu.\n"
         ".SH EXIT STATUS\n0: it holds. 1: it does not hold, or was refused. 2: trouble.\n.SH REASONS\n";
  for (std::size_t i = 0; i < reason_count(); ++i) {
    const auto& row = row_of(static_cast<Reason>(i));
    out += ".TP\n.B " + roff(row.id) + "\n" + roff(row.english) + " " + roff(row.next_english) + "\n";
  }
  return out;
}

std::string completion(std::string_view shell) { return shell == "zsh" ? zsh_completion() : bash_completion(); }

int run_help(const Call& call, const Emit& emit) {
  if (call.has("man")) {
    emit(1, man_page());
    return 0;
  }
  if (call.has("completion")) {
    const auto& shell = call.option("completion");
    if (shell != "bash" && shell != "zsh")
      return complain(emit, call.manner, Failure{Reason::usage_wrong, "--completion is bash or zsh"});
    emit(1, completion(shell));
    return 0;
  }
  if (call.words.empty()) {
    emit(1, short_help());
    return 0;
  }
  std::string wanted;
  for (const auto& word : call.words) wanted += (wanted.empty() ? "" : " ") + word;
  std::string out;
  for (const auto& row : command_rows())
    if (row.path == wanted || row.path.starts_with(wanted + " ")) out += (out.empty() ? "" : "\n") + help_of(row);
  if (out.empty()) {
    std::vector<std::string> known;
    for (const auto& row : command_rows()) known.emplace_back(row.path);
    const auto near = nearest_word(wanted, known);
    return complain(emit, call.manner,
                    Failure{Reason::usage_wrong, "there is no command " + wanted +
                                                     (near.empty() ? "" : "; did you mean " + std::string(near) + "?")});
  }
  emit(1, out);
  return 0;
}

int run_version(const Call& call, const Emit& emit) {
  emit(1, call.manner.json ? "{\"version\":\"" AMANAT_VERSION "\"}\n" : "amanat " AMANAT_VERSION "\n");
  return 0;
}

}  // namespace amanat::cli
