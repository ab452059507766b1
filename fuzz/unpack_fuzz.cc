// What the process that takes finds apart says of them: it may have been taken over by what it
// read.

#include <cstdint>
#include <string>

#include "model/insist.h"
#include "net/unpack.h"

using namespace amanat;
using namespace amanat::net;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string said(reinterpret_cast<const char*>(data), size);
  static_cast<void>(packing_of(said));
  while (true) {
    const std::size_t before = said.size();
    const auto taken = take_frame(said);
    if (!taken || !*taken) {
      insist(said.size() == before);
      break;
    }
    insist((*taken)->bytes.size() <= 64 * 1024 &&
           said.size() + 5 + (*taken)->bytes.size() == before);
  }
  return 0;
}
