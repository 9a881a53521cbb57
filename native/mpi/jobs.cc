#include "jobs.h"

#include <algorithm>

#include "in_memory.h"

namespace nabla::mpi {

namespace {

using Lock = std::unique_lock<std::mutex>;

std::string why_broken(World& world) {
  const std::lock_guard lock(world.mutex);
  return world.broken;
}

void require_whole(World& world) {
  const std::string why = why_broken(world);
  if (!why.empty()) fail(why);
}

/** Of what goes in memory, as far as others have been told of it. */
void do_parts(World& world, int number, const std::vector<std::shared_ptr<Job>>& jobs) {
  for (const std::shared_ptr<Job>& job : jobs) {
    if (!job->is_told || !is_in_memory(world, *job)) return;
    if (!job->is_part_done) do_part(world, number, *job);
  }
}

/** Others would wait for what this rank cannot tell of. */
void tell_or_break(World& world, int number, Job& job) {
  const Timed timed(world.times.awaited);
  try {
    tell(world, number, job);
  } catch (const std::exception& error) {
    note_broken(world, error.what());
    throw;
  }
}

/** Does the first job, without the lock meanwhile; and before others are waited for, this rank's part of the rest. */
void do_first(World& world, int number, Lock& lock) {
  Channel& channel = world.channels[number];
  const std::vector<std::shared_ptr<Job>> jobs(channel.jobs.begin(), channel.jobs.end());
  const std::shared_ptr<Job>& job = jobs.front();
  channel.busy = true;
  lock.unlock();
  try {
    if (why_broken(world).empty()) {
      do_parts(world, number, jobs);
      exchange(world, number, *job);
    }
  } catch (const std::exception& error) {
    note_broken(world, error.what());
  }
  lock.lock();
  channel.busy = false;
  channel.jobs.pop_front();
  job->done = true;
  channel.settled.notify_all();
  if (!channel.jobs.empty()) channel.begun.notify_one();
}

void work(World& world, int number) {
  Channel& channel = world.channels[number];
  Lock lock(channel.mutex);
  for (;;) {
    channel.begun.wait(lock, [&] { return channel.ending || (!channel.busy && !channel.jobs.empty()); });
    if (channel.ending) break;
    do_first(world, number, lock);
  }
  channel.has_worker = false;
  channel.settled.notify_all();
}

void finish(World& world, int number, const Job& job, Lock& lock) {
  Channel& channel = world.channels[number];
  channel.awaited = true;
  while (!job.done) {
    if (channel.busy) {
      channel.settled.wait(lock);
    } else {
      do_first(world, number, lock);
    }
  }
  channel.awaited = false;
}

}  // namespace

void begin(World& world, int number, std::shared_ptr<Job> job, bool apart) {
  require_whole(world);
  Channel& channel = world.channels[number];
  const Lock lock(channel.mutex);
  const auto is_ours = [&](const std::shared_ptr<Job>& other) { return other->owner == job->owner; };
  if (!std::all_of(channel.jobs.begin(), channel.jobs.end(), is_ours)) {
    fail("another exchange is under way: await the run that makes it first");
  }
  job->number = ++channel.number;
  const bool is_here = is_in_memory(world, *job);
  if (is_here && may_tell(channel, *job)) tell_or_break(world, number, *job);
  channel.jobs.push_back(std::move(job));
  // A thread beside the program's would only take its processor to add up.
  if (!apart || is_here) return;
  if (!channel.has_worker) std::thread(work, std::ref(world), number).detach();
  channel.has_worker = true;
  channel.begun.notify_one();
}

void settle(World& world, int number, const char* first) {
  const Timed timed(world.times.awaited);
  Channel& channel = world.channels[number];
  {
    Lock lock(channel.mutex);
    const auto found = std::find_if(channel.jobs.rbegin(), channel.jobs.rend(),
                                    [&](const std::shared_ptr<Job>& job) { return job->pieces.begins_at(first); });
    if (found != channel.jobs.rend()) finish(world, number, *std::shared_ptr(*found), lock);
  }
  require_whole(world);
}

void settle_all(World& world, int number) noexcept {
  Channel& channel = world.channels[number];
  Lock lock(channel.mutex);
  while (!channel.jobs.empty() && channel.jobs.back()->owner == std::this_thread::get_id()) {
    finish(world, number, *std::shared_ptr(channel.jobs.back()), lock);
  }
}

bool end_workers(World& world) {
  for (Channel& channel : world.channels) {
    Lock lock(channel.mutex);
    if (channel.busy) return false;
    channel.ending = true;
    channel.begun.notify_all();
    channel.settled.wait(lock, [&] { return !channel.has_worker; });
  }
  return true;
}

}  // namespace nabla::mpi
