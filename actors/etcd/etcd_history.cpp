#include "actors/etcd/etcd_history.hpp"

#include <algorithm>

namespace tandem {
namespace {

constexpr const char* advice =
    "; nothing is decided upon it. Put the right etcd back, or check what the journals lost and "
    "restart the nodes";

}  // namespace

bool etcd_history::accept(const etcd_header& header, const mark& sent, bool is_current) {
  // Sent before somebody acknowledged.
  if (sent.turn != seen_.turn || !broken_.empty()) return false;
  if (seen_.cluster_id != 0 && header.cluster_id != seen_.cluster_id) {
    broken_ = "etcd is another cluster (" + std::to_string(header.cluster_id) + ") than before (" +
              std::to_string(seen_.cluster_id) + ")" + advice;
    return false;
  }
  if (is_current && header.revision < sent.revision) {
    broken_ = "etcd went back from revision " + std::to_string(sent.revision) + " to " +
              std::to_string(header.revision) + ": it was restored from an older state" + advice;
    return false;
  }
  seen_.cluster_id = header.cluster_id;
  if (is_current) seen_.revision = std::max(seen_.revision, header.revision);
  return true;
}

}  // namespace tandem
