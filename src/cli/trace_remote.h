#pragma once
// cli, traces over HTTPS: an auditor's side of a trace on their own machine.

#include "cli/commands.h"

namespace amanat::cli {

int run_trace_send(const Call& call, const Emit& emit);
int run_trace_status(const Call& call, const Emit& emit);
int run_trace_fetch(const Call& call, const Emit& emit);

}  // namespace amanat::cli
