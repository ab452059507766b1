// amanat ledger evidence: an entry's evidence as files for an outsider, who needs OpenSSL and no part
// of Amanat.

#include <charconv>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {

int run_ledger_evidence(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const std::string& word = call.words[0];
  std::uint64_t index = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), index);
  if (error != std::errc{} || end != word.data() + word.size())
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "an entry is a number, like 42"});
  auto files = exchange.evidence(EntryIndex{index});
  if (!files) return complain(emit, call.manner, files.error());
  const std::string directory = call.option("out");
  if (auto made = storage::system_disk().make_directory(directory); !made)
    return complain(emit, call.manner, made.error());
  // A question names a citizen: the files are for whoever asked for them alone.
  for (const auto& file : *files)
    if (auto put = storage::replace_file(storage::system_disk(), directory + "/" + file.name, file.content, 0600);
        !put)
      return complain(emit, call.manner, put.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("entry").number(index).key("directory").string(directory).key("files").begin_array();
    for (const auto& file : *files) json.string(file.name);
    json.end_array().end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  std::string text = "The evidence of entry " + word + " is in " + visible(directory) + "\n";
  for (const auto& file : *files) text += "  " + file.name + "\n";
  emit(1, text + "Check it without Amanat: sh " + visible(directory) + "/verify.sh\n");
  return 0;
}

}  // namespace amanat::cli
