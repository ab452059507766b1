// What an evidence bundle is made of, from whoever hands one over: container, extraction, rows,
// values, answers, keys. Nothing crashes, and whatever a reader lets pass is written again byte for
// byte.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "model/insist.h"
#include "trace/bundle.h"
#include "trace/decoys.h"
#include "trace/dossier.h"
#include "trace/evidence.h"
#include "trace/extraction.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace amanat;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 8) {
    case 0:
      if (auto x = trace::parse_extraction(text)) insist(trace::write_extraction(*x) == text);
      break;
    case 1:
      if (auto files = trace::read_container(text)) {
        insist(trace::write_container(*files) == text);
        const auto verdict = trace::check_evidence(*files, {});
        insist(!verdict.problem.empty());  // there are no anchors that could hold
      }
      break;
    case 2:
      if (auto row = trace::parse_row(text)) insist(trace::write_row(*row) == text);
      break;
    case 3:
      if (auto values = trace::parse_values(text)) insist(trace::write_values(*values) == text);
      break;
    case 4:
      if (auto answer = trace::parse_answer(text)) insist(trace::write_answer(*answer) == text);
      break;
    case 5:
      if (auto key = trace::parse_key(text)) insist(trace::write_key(*key) == text);
      break;
    case 6:
      if (auto decoy = trace::parse_decoy(text)) {
        insist(trace::write_decoy(*decoy) == text);
        static_cast<void>(trace::wrong_export(*decoy, decoy->rows, decoy->seed));
        static_cast<void>(trace::wrong_stray(*decoy, {}));
      }
      break;
    default: {
      // The three parts of a disclosure, cut at the first two zero bytes.
      const std::size_t one = std::min(text.find('\0'), text.size());
      const std::string_view rest = text.substr(std::min(one + 1, text.size()));
      const std::size_t two = std::min(rest.find('\xff'), rest.size());
      static_cast<void>(trace::disclosed_of(1, 1, Moment{0}, Actor{}, text.substr(0, one),
                                            rest.substr(0, two),
                                            rest.substr(std::min(two + 1, rest.size()))));
    }
  }
  return 0;
}
