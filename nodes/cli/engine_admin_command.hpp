#pragma once

#include <array>
#include <string>

#include <caf/expected.hpp>

#include "nodes/cli/command_line.hpp"
#include "nodes/cli/console.hpp"

namespace tandem::cli {

/// Options of `engine add`, `engine remove` and others of their kind.
inline constexpr std::array engine_options{
    option_spec{"name", "NAME", "add: how the engine is called"},
    option_spec{"kind", "KIND", "add: http (the default), managed, embedded, replay or sim"},
    option_spec{"model", "MODEL", "add: a [[model]] of the node's config"},
    option_spec{"url", "URL", "add: where an http engine's server is"},
    option_spec{"served-model", "MODEL", "add: what that server calls the model"},
    option_spec{"server", "SERVER", "add: auto, openai, sglang, vllm or llama.cpp"},
    option_spec{"api-key-file", "FILE", "add: on the node's machine, with the server's API key"},
    option_spec{"api-key-env", "NAME", "add: the node's environment variable with that key"},
    option_spec{"concurrency", "N", "add: requests at once"},
    option_spec{"deadline", "TIME",
                "remove: how long its work may take to finish; 5min by default, 0s: not at all"}};

/// What `engine add` sends: the file's text, or what the options say. `invalid_argument`,
/// `not_found`.
[[nodiscard]] caf::expected<std::string> engine_toml(const invocation& from);

/// add, drain, undrain and remove.
exit_code change_engine(const invocation& from, console& io);

}  // namespace tandem::cli
