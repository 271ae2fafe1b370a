#include "actors/front/job_pages.hpp"

#include <memory>
#include <tuple>

#include "schema/text.hpp"

namespace tandem {
namespace {

/// A page that is read from its front.
struct stream {
  explicit stream(const job_page& of) : page{&of}, reader{of.list.read()} {}
  const job_page* page;
  message_reader<schema::JobList> reader;
  unsigned taken = 0;

  [[nodiscard]] bool empty() const { return taken == reader->getJobs().size(); }
  [[nodiscard]] schema::JobSummary::Reader front() const { return reader->getJobs()[taken]; }
  /// Where the next page of this journal goes on.
  [[nodiscard]] std::uint64_t cursor() const {
    if (empty()) return reader->getNext() == 0 ? cursor_done : reader->getNext();
    return taken == 0 ? page->before : reader->getJobs()[taken - 1].getJob().getNumber();
  }
};

/// Newer is greater.
std::tuple<std::uint64_t, std::uint64_t, std::uint64_t> age_of(const stream& from) {
  auto job = from.front();
  return {job.getSubmittedAtMs(), from.page->journal, job.getJob().getNumber()};
}

/// The newest job of all; null: the page ends here.
stream* newest(std::vector<std::unique_ptr<stream>>& streams) {
  stream* best = nullptr;
  for (auto& each : streams) {
    if (!each->empty()) {
      if (best == nullptr || age_of(*each) > age_of(*best)) best = each.get();
    } else if (each->reader->getNext() != 0) {
      // It has more, and nobody knows how new.
      return nullptr;
    }
  }
  return best;
}

}  // namespace

std::uint64_t cursor_of(schema::JobQuery::Reader query, std::uint64_t journal) {
  for (auto cursor : query.getCursors())
    if (cursor.getJournal() == journal) return cursor.getBefore();
  return query.getBefore();
}

tmsg::jobqry query_of(schema::JobQuery::Reader query, std::uint64_t before) {
  message_builder<schema::JobQuery> one;
  one->setStates(query.getStates());
  one->setTenant(query.getTenant());
  one->setTag(query.getTag());
  one->setText(query.getText());
  one->setBefore(before);
  one->setLimit(query.getLimit());
  return one.finish();
}

tmsg::joblist merge_pages(const std::vector<job_page>& pages, std::uint32_t limit) {
  std::vector<std::unique_ptr<stream>> streams;
  unsigned missing = 0;
  for (const auto& page : pages) {
    if (!page.list.empty())
      streams.push_back(std::make_unique<stream>(page));
    else
      ++missing;
  }
  std::vector<schema::JobSummary::Reader> jobs;
  while (jobs.size() < limit) {
    auto* from = newest(streams);
    if (from == nullptr) break;
    jobs.push_back(from->front());
    ++from->taken;
  }
  message_builder<schema::JobList> out;
  auto list = out->initJobs(static_cast<unsigned>(jobs.size()));
  for (unsigned i = 0; i < list.size(); ++i) list.setWithCaveats(i, jobs[i]);
  auto more = false;
  for (const auto& each : streams) more = more || each->cursor() != cursor_done;
  auto cursors = out->initCursors(more ? static_cast<unsigned>(pages.size()) : 0);
  auto gaps = out->initMissing(missing);
  unsigned gap = 0;
  unsigned at = 0;
  auto next = streams.begin();
  for (unsigned i = 0; i < pages.size(); ++i) {
    const auto& page = pages[i];
    auto answered = !page.list.empty();
    if (more) {
      cursors[at].setJournal(page.journal);
      cursors[at++].setBefore(answered ? (*next)->cursor() : page.before);
    }
    if (answered) {
      ++next;
      continue;
    }
    gaps[gap].setJournal(page.journal);
    gaps[gap].setNode(text(page.node));
    gaps[gap].setAddress(text(page.address));
    gaps[gap++].setWaiting(page.waiting);
  }
  return out.finish();
}

}  // namespace tandem
