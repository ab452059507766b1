#pragma once
// cli: amanat, the one program: a daemon and a tool. Each command is one row of one table, which
// feeds parsing, help, the man page and the shells' completions. A command that works on a home is
// written once and does not care whether the exchange is its own or that of a running `amanat serve`:
// there it is sent over the control socket and its output streamed back.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/result.h"
#include "server/exchange.h"

namespace amanat::cli {

using Emit = server::Exchange::Emit;

/// Manner is how output is to look. It belongs to the terminal of the caller, so it travels with a
/// command that runs in another process.
struct Manner {
  bool json = false;       // --json
  bool colour = false;     // standard output is a terminal and NO_COLOR is unset
  bool progress = false;   // standard error is a terminal
  bool urdu = false;       // LANG begins with ur
};

/// ValueKind says what an option takes.
enum class ValueKind : std::uint8_t {
  none,       // a switch
  text,
  path,       // made absolute, because another process may open it
  personal    // a personal value; "-" reads it from standard input, away from `ps` and histories
};

/// OptionRow is one option; it means the same wherever it is taken.
struct OptionRow {
  std::string_view name, value;   // value: what it takes, in capitals; empty for a switch
  ValueKind kind;
  std::string_view help;
};

struct Call;

/// CommandRow is one command. Exactly one of `here` and `on_home` is set.
struct CommandRow {
  std::string_view path;      // "enrol device"
  std::string_view words;     // "DATASET FILE"; [X] may be left out
  std::string_view options;   // "home! csr out": '!' must be given
  std::string_view summary;   // one line
  std::string_view example;   // as typed
  int (*here)(const Call&, const Emit&);
  int (*on_home)(server::Exchange&, const Call&, const Emit&);
};

/// Call is a parsed command line.
struct Call {
  const CommandRow* command = nullptr;
  std::map<std::string, std::string, std::less<>> options;
  std::vector<std::string> words;
  Manner manner;

  bool has(std::string_view option) const { return options.contains(option); }
  /// option returns its value, or `otherwise`.
  const std::string& option(std::string_view name) const;
  std::string option_or(std::string_view name, std::string_view otherwise) const;
};

const std::vector<OptionRow>& option_rows();
const std::vector<CommandRow>& command_rows();

/// parse reads a command line (without the program's name). The longest command path wins; options
/// may stand anywhere. Paths are made absolute. Errors: usage_wrong, with the nearest valid word.
Result<Call> parse(const std::vector<std::string>& arguments);

/// as_arguments writes a call down again, so that parse() of it is the same call.
std::vector<std::string> as_arguments(const Call& call);

/// run does what a command line says and returns the exit code: 0 it holds, 1 it does not or was
/// refused, 2 trouble.
int run(const std::vector<std::string>& arguments, Manner manner, const Emit& emit);

/// run_on_home runs a home's command for another process; what `amanat serve` hands to the exchange.
int run_on_home(server::Exchange& exchange, const std::vector<std::string>& arguments, const Emit& emit);

/// complain prints a failure in three lines (what, why, hint) and returns its exit code.
int complain(const Emit& emit, const Manner& manner, const Failure& failure);

// Help in its forms, all from the table.
std::string short_help();
std::string help_of(const CommandRow& command);
std::string man_page();
std::string completion(std::string_view shell);

// The commands, one file a group.
int run_init(const Call&, const Emit&);
int run_import(server::Exchange&, const Call&, const Emit&);
int run_import_cases(server::Exchange&, const Call&, const Emit&);
int run_enrol_officers(server::Exchange&, const Call&, const Emit&);
int run_enrol_device(server::Exchange&, const Call&, const Emit&);
int run_enrol_service(server::Exchange&, const Call&, const Emit&);
int run_enrol_key(server::Exchange&, const Call&, const Emit&);
int run_passkey_register(const Call&, const Emit&);
int run_enrol_passkey(server::Exchange&, const Call&, const Emit&);
int run_enrol_revoke(server::Exchange&, const Call&, const Emit&);
int run_enrol_list(server::Exchange&, const Call&, const Emit&);
int run_serve(const Call&, const Emit&);
int run_lookup(const Call&, const Emit&);
int run_extract(const Call&, const Emit&);
int run_ledger_verify(const Call&, const Emit&);
int run_ledger_vkey(const Call&, const Emit&);
int run_ledger_show(server::Exchange&, const Call&, const Emit&);
int run_ledger_evidence(server::Exchange&, const Call&, const Emit&);
int run_ledger_prove(server::Exchange&, const Call&, const Emit&);
int run_ledger_export(server::Exchange&, const Call&, const Emit&);
int run_ledger_history(server::Exchange&, const Call&, const Emit&);
int run_ledger_feed(server::Exchange&, const Call&, const Emit&);
int run_ledger_map_key(server::Exchange&, const Call&, const Emit&);
int run_ledger_fsck(server::Exchange&, const Call&, const Emit&);
int run_ledger_retention(server::Exchange&, const Call&, const Emit&);
int run_ledger_retain(const Call&, const Emit&);
int run_ledger_prune(const Call&, const Emit&);
int run_ledger_trim(server::Exchange&, const Call&, const Emit&);
int run_ledger_audit(server::Exchange&, const Call&, const Emit&);
int run_ledger_follow(const Call&, const Emit&);
int run_witness_init(const Call&, const Emit&);
int run_witness_serve(const Call&, const Emit&);
int run_auditor_init(const Call&, const Emit&);
int run_auditor_serve(const Call&, const Emit&);
int run_auditor_counts(const Call&, const Emit&);
int run_auditor_join(const Call&, const Emit&);
int run_trace(server::Exchange&, const Call&, const Emit&);
int run_trace_match(server::Exchange&, const Call&, const Emit&);
int run_trace_list(server::Exchange&, const Call&, const Emit&);
int run_trace_show(server::Exchange&, const Call&, const Emit&);
int run_trace_cancel(server::Exchange&, const Call&, const Emit&);
int run_trace_bundle(server::Exchange&, const Call&, const Emit&);
int run_trace_report(server::Exchange&, const Call&, const Emit&);
int run_trace_open(const Call&, const Emit&);
int run_trace_read(const Call&, const Emit&);
int run_keys_rewrap(const Call&, const Emit&);
int run_migrate(const Call&, const Emit&);
int run_backup(server::Exchange&, const Call&, const Emit&);
int run_restore(const Call&, const Emit&);
int run_erase(server::Exchange&, const Call&, const Emit&);
int run_catalog_check(const Call&, const Emit&);
int run_policy_who(const Call&, const Emit&);
int run_policy_check(const Call&, const Emit&);
int run_policy_diff(const Call&, const Emit&);
int run_policy_test(const Call&, const Emit&);
int run_policy_export(const Call&, const Emit&);
int run_policy_propose(server::Exchange&, const Call&, const Emit&);
int run_policy_proposals(server::Exchange&, const Call&, const Emit&);
int run_policy_sign(const Call&, const Emit&);
int run_policy_apply(server::Exchange&, const Call&, const Emit&);
int run_policy_protect(server::Exchange&, const Call&, const Emit&);
int run_policy_unprotect(server::Exchange&, const Call&, const Emit&);
int run_approve(const Call&, const Emit&);
int run_hold_list(const Call&, const Emit&);
int run_hold_place(const Call&, const Emit&);
int run_hold_release(const Call&, const Emit&);
int run_hold_announce(const Call&, const Emit&);
int run_hold_follow(const Call&, const Emit&);
int run_detect_report(server::Exchange&, const Call&, const Emit&);
int run_detect(server::Exchange&, const Call&, const Emit&);
int run_canary_plant(server::Exchange&, const Call&, const Emit&);
int run_canary_retire(server::Exchange&, const Call&, const Emit&);
int run_canary_make(server::Exchange&, const Call&, const Emit&);
int run_canary_rotate(server::Exchange&, const Call&, const Emit&);
int run_canary_list(server::Exchange&, const Call&, const Emit&);
int run_review(const Call&, const Emit&);
int run_case_show(server::Exchange&, const Call&, const Emit&);
int run_probe(const Call&, const Emit&);
int run_status(server::Exchange&, const Call&, const Emit&);
int run_config(const Call&, const Emit&);
int run_demo(const Call&, const Emit&);
int run_help(const Call&, const Emit&);
int run_version(const Call&, const Emit&);

}  // namespace amanat::cli
