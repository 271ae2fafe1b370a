#include "actors/archive/job_query.hpp"

#include "schema/text.hpp"

namespace tandem {

namespace {

/// Cap'n Proto 0.9's list iterators are too old-fashioned for the algorithms.
template <class List, class Value>
bool contains(List list, const Value& value) {
  for (auto element : list)
    if (element == value) return true;
  return false;
}

}  // namespace

bool matches(schema::JobQuery::Reader query, schema::JobSummary::Reader job) {
  auto states = query.getStates();
  if (states.size() != 0 && !contains(states, job.getState())) return false;
  auto tenant = query.getTenant();
  if (tenant.size() != 0 && tenant != job.getTenant()) return false;
  auto tag = query.getTag();
  if (tag.size() != 0 && !contains(job.getTags(), tag)) return false;
  auto text = view(query.getText());
  return text.empty() || view(job.getGoal()).find(text) != std::string_view::npos;
}

}  // namespace tandem
