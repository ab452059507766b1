// HTTP message signatures from strangers: three headers, one a line, then the body. No crash, only
// their own reasons, and what is rebuilt ends in the parameters as they were sent.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "identity/signature.h"
#include "model/insist.h"

using namespace amanat;
using namespace amanat::identity;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Request request;
  request.method = "POST";
  request.path = "/v1/lookups";
  request.received = Moment{1'800'000'000'000};
  request.headers.emplace_back("authorization", "Bearer x");
  for (const char* name : {"signature-input", "signature", "content-digest"}) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    request.headers.emplace_back(name, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  request.body = text;
  const auto signature = read_signature(request, "https://localhost:8443");
  if (signature) {
    const std::string_view input = request.header("signature-input");
    insist(signature->base.ends_with(input.substr(input.find('=') + 1)));
    insist(signature->base.find("\"@method\": POST\n") != std::string::npos);
  } else {
    const Reason reason = signature.error().reason;
    insist(reason == Reason::signature_malformed || reason == Reason::proof_other_body ||
           reason == Reason::proof_time_wrong);
  }
  return 0;
}
