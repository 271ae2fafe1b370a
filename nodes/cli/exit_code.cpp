#include "nodes/cli/exit_code.hpp"

#include "schema/errc.hpp"

namespace tandem::cli {

exit_code exit_code_of(const caf::error& err) {
  switch (code_of(err)) {
    case errc::unavailable:
    case errc::not_authenticated:
      return exit_code::no_connection;
    case errc::deadline_exceeded:
      return exit_code::timeout;
    default:
      return exit_code::refused;
  }
}

}  // namespace tandem::cli
