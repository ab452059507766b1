#include "cli/commands.h"

namespace amanat::cli {

const std::vector<OptionRow>& option_rows() {
  using enum ValueKind;
  static const std::vector<OptionRow> rows = {
      {"home", "DIR", path, "the exchange's home directory (or AMANAT_HOME)"},
      {"json", "", none, "machine-readable output; the last line is one JSON object"},
      {"help", "", none, "help on this command"},
      {"version", "", none, "the program's version"},
      {"catalog", "DIR", path, "a catalog of registries (standard: the one built in, catalog/pakistan)"},
      {"policy", "DIR", path, "a policy (standard: the example built in, examples/policy)"},
      {"origin", "NAME", text, "name of the exchange and its ledger, like exchange.test/one; fixed for ever"},
      {"server-name", "NAME", text, "a further name or address for the server's certificate; commas between several"},
      {"officer", "ID", text, "the officer whose device it is, by roster number"},
      {"service", "ID", text, "the service whose device it is"},
      {"csr", "FILE", path, "the device's certificate request (PEM, P-256); its key stays on the device"},
      {"out", "FILE", path, "where to write the result"},
      {"id", "ID", text, "id of the new account"},
      {"department", "NAME", text, "the department it belongs to"},
      {"roles", "A,B", text, "its roles, commas between"},
      {"listen", "HOST:PORT", text, "where to answer; port 0 takes any free one"},
      {"url", "URL", text, "the exchange, https://host:port"},
      {"ca", "FILE", path, "the exchange's ca.crt: the only one trusted"},
      {"cert", "FILE", path, "the device's certificate"},
      {"key", "FILE", path, "the device's private key; never sent"},
      {"purpose", "NAME", text, "the lawful purpose of the question"},
      {"case", "REF", text, "the case it belongs to, exactly as registered"},
      {"reason", "TEXT", text, "free words for the record, at most 500 bytes"},
      {"fields", "A,B", text, "fields wanted, registry.dataset.field, commas between"},
      {"national-id", "N", personal, "the citizen; - reads it from standard input, where ps does not show it"},
      {"msisdn", "N", personal, "a phone number; - reads it from standard input"},
      {"passport", "NO", personal, "a foreigner's passport number; - reads it from standard input"},
      {"fir", "NO", text, "a first information report, with --station"},
      {"station", "NAME", text, "the police station of --fir"},
      {"licence", "NO", text, "a hotel's licence, with --from and --to"},
      {"from", "TIME", text, "begin of the window, like 2026-03-01 or 2026-03-01T08:00:00Z"},
      {"to", "TIME", text, "end of the window, itself outside"},
      {"hops", "N", text, "the family tree around the citizen, 1 to 3 hops"},
      {"max-subjects", "N", text, "refuse rather than disclose more citizens than this"},
      {"question", "FILE", path, "the whole question as JSON; - reads it from standard input"},
      {"receipt", "FILE", path, "write the receipts here, for amanat-verify"},
      {"explain", "", none, "every key: what it means, its type and standard"},
      {"citizens", "N", text, "how many citizens to invent (standard 10000)"},
      {"seed", "N", text, "the same seed makes the same country"},
      {"keep", "DIR", path, "keep everything the demo makes in this directory"},
      {"man", "", none, "the man page, as roff"},
      {"completion", "SHELL", text, "completions for bash or zsh"},
      // Not for people: how the caller's terminal wants its output, sent along over the control socket.
      {"manner", "LETTERS", text, ""},
  };
  return rows;
}

const std::vector<CommandRow>& command_rows() {
  static const std::vector<CommandRow> rows = {
      {"demo", "", "citizens seed keep json", "play the whole story with an invented country",
       "amanat demo", run_demo, nullptr},
      {"init", "", "home! catalog policy origin! server-name json", "make a new exchange in a directory",
       "amanat init --home H --catalog catalog/pakistan --origin exchange.test/one", run_init, nullptr},
      {"serve", "", "home! listen json", "answer questions over HTTPS until stopped",
       "amanat serve --home H --listen 127.0.0.1:8443", run_serve, nullptr},
      {"status", "", "home json", "what the exchange holds and whether it serves",
       "amanat status --home H", nullptr, run_status},
      {"import", "DATASET FILE", "home! json", "take in a department's file (CSV or JSON lines); repeating it changes nothing",
       "amanat import --home H identity.persons nadra_identity.csv --json", nullptr, run_import},
      {"enrol officers", "FILE", "home! json", "take in the personnel roster",
       "amanat enrol --home H officers hr_roster.csv", nullptr, run_enrol_officers},
      {"enrol device", "", "home! officer service csr! out! json", "certify a device from its certificate request",
       "amanat enrol --home H device --officer PO-1000 --csr d.csr --out d.crt", nullptr, run_enrol_device},
      {"enrol service", "", "home! id! department! roles json", "make an account for a department's system",
       "amanat enrol --home H service --id fia-cases --department fia --roles case-registrar", nullptr,
       run_enrol_service},
      {"enrol revoke", "DEVICE|ACCOUNT", "home! json", "end a device, or all of an account's, at once",
       "amanat enrol --home H revoke PO-1000", nullptr, run_enrol_revoke},
      {"enrol list", "", "home! json", "who is enrolled", "amanat enrol --home H list", nullptr, run_enrol_list},
      {"case import", "FILE", "home! json", "take in a department's list of cases",
       "amanat case --home H import cases.csv", nullptr, run_import_cases},
      {"policy who", "FIELD", "home! json", "exactly who can see a field, and when",
       "amanat policy who identity.persons.name --home H", nullptr, run_policy_who},
      {"policy check", "", "home policy catalog json", "what is wrong, dead or contradictory in a policy",
       "amanat policy check --policy examples/policy --catalog catalog/pakistan", run_policy_check, nullptr},
      {"lookup", "",
       "url! ca! cert key purpose case reason fields national-id msisdn passport fir station licence from to hops "
       "max-subjects question receipt json",
       "ask the exchange a question",
       "amanat lookup --url https://127.0.0.1:8443 --ca H/ca.crt --cert d.crt --key d.key "
       "--purpose crime-investigation --case 'FIR 1/26 PS Cantt Multan' --national-id - "
       "--fields identity.persons.name,identity.persons.present_address",
       run_lookup, nullptr},
      {"erase", "", "home! national-id! json", "destroy a citizen's keys: nothing of theirs opens again, in any copy",
       "amanat erase --home H --national-id -", nullptr, run_erase},
      {"ledger verify", "", "home! json", "check every entry, hash and signature of the ledger",
       "amanat ledger verify --home H", run_ledger_verify, nullptr},
      {"ledger vkey", "", "home! json", "the key outsiders verify with", "amanat ledger vkey --home H",
       run_ledger_vkey, nullptr},
      {"ledger show", "INDEX", "home! json", "one entry: its type, time and what it commits to",
       "amanat ledger show 12 --home H", nullptr, run_ledger_show},
      {"ledger prove", "INDEX", "home! out json", "the receipt of an entry", "amanat ledger prove 12 --home H",
       nullptr, run_ledger_prove},
      {"ledger export", "DIR", "home! json", "the public ledger as a folder for amanat-verify and other readers",
       "amanat ledger export DIR --home H", nullptr, run_ledger_export},
      {"config", "", "home explain json", "the settings in force, or all of them explained",
       "amanat config --explain", run_config, nullptr},
      {"help", "[COMMAND]", "man completion", "this help, or a command's", "amanat help lookup", run_help, nullptr},
      {"version", "", "json", "the program's version", "amanat --version", run_version, nullptr},
  };
  return rows;
}

}  // namespace amanat::cli
