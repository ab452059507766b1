// Lists of an extract, from whoever may send one: what is read are numbers of 13 digits, each from
// a line of its own, and reading what was written gives the same.

#include <cstdint>
#include <string>
#include <string_view>

#include "lookup/lists.h"
#include "model/insist.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = amanat::lookup::parse_list({reinterpret_cast<const char*>(data), size});
  if (!list) return 0;
  std::string written;
  for (const std::string& one : *list) {
    insist(one.size() == 13 && one.find_first_not_of("0123456789") == std::string::npos);
    written += one + "\n";
  }
  insist(list->size() * 13 <= size);
  const auto again = amanat::lookup::parse_list(written);
  insist(again && *again == *list);
  return 0;
}
