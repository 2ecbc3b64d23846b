using Sluice.Core;

namespace Sluice.Engine;

/// <summary>Beam searches: between two steps the groups whose members all have candidates decide, fork and drop.</summary>
public sealed partial class ServingLoop
{
    private readonly List<BeamGroup> _beams = [];
    private readonly List<(LiveSequence Parent, int Token, double Score)> _followed = new(32);
    private readonly List<LiveSequence> _kept = new(32);

    private void EnterBeams(Generation generation, GenerationRequest request, BeamOptions options, ReadOnlyMemory<ulong> blocks)
    {
        Check.That(options.Width is >= 1 and <= 32 && request.Samples <= options.Width && request.OutputSoFar.IsEmpty);
        Check.That(request.Draft is null);
        var limit = Math.Min(request.MaxOutputTokens, TokensMax - request.Prompt.Length - 1);
        var group = new BeamGroup(options, limit);
        _beams.Add(group);
        AddMember(group, Prepare(generation, request, 0, limit + 1, blocks)); // The group ends it, before the core would.
        Enter(group.Members[0]);
    }

    private void AddMember(BeamGroup group, LiveSequence member)
    {
        (member.Beam, member.Candidates) = (group, new());
        group.Members.Add(member);
        Outstanding++;
    }

    private void AdvanceBeams()
    {
        for (var i = _beams.Count - 1; i >= 0; i--)
        {
            var group = _beams[i];
            var goesOn = true;
            while (goesOn && group.CanDecide)
            {
                goesOn = group.TryDecide(_followed);
                if (goesOn) Follow(group);
            }

            if (goesOn) continue;
            _beams.RemoveAt(i);
            EndBeams(group);
        }
    }

    /// <summary>Gives every chosen continuation a sequence: its parent, for the first of each parent, else a fork.</summary>
    private void Follow(BeamGroup group)
    {
        var decided = group.Members[0].DecidedOutput + 1;
        var newest = group.Members[0].PromptTokens + decided - 1;
        _kept.Clear();
        foreach (var member in group.Members) member.Candidates!.Dequeue();
        for (var i = 0; i < _followed.Count; i++)
        {
            var (parent, token, score) = _followed[i];
            var isAhead = parent.OutputTokens > decided;
            if (_kept.Contains(parent) || (isAhead && parent.Tokens[newest] != token)) continue;
            if (!isAhead) parent.Tokens[newest] = token;
            (parent.BeamScore, parent.DecidedOutput) = (score, decided);
            _kept.Add(parent);
            _followed[i] = default;
        }

        for (var i = group.Members.Count - 1; i >= 0; i--)
        {
            if (_kept.Contains(group.Members[i])) continue;
            Drop(group.Members[i]);
            group.Members.RemoveAt(i);
        }

        _core.LetLeave(Now); // Their blocks and places are for those that are forked now.
        foreach (var (parent, token, score) in _followed)
            if (parent is not null) AddMember(group, Fork(parent, token, score, decided));
    }

    private LiveSequence Fork(LiveSequence parent, int token, double score, int decided)
    {
        var tokens = new int[parent.Tokens.Length];
        var known = parent.PromptTokens + decided;
        parent.Tokens.AsSpan(0, known - 1).CopyTo(tokens);
        tokens[known - 1] = token;
        var child = new LiveSequence
        {
            Request = parent.Request with { Id = new(_lastId++) },
            Predicted = parent.Predicted,
            OutputLimit = parent.OutputLimit,
            Chooser = parent.Chooser,
            Generation = parent.Generation,
            Sample = 0,
            Tokens = tokens,
            Count = known,
            SubmittedAt = parent.SubmittedAt,
            FirstTokenAt = parent.FirstTokenAt,
            BeamScore = score,
            DecidedOutput = decided,
        };
        _runner.Add(child);
        var canShare = parent.OutputTokens == decided;
        if (!canShare || !_core.TryFork(Now, parent.Request.Id, child.Request, child.Predicted, child.OutputLimit)) Submit(child);
        return child;
    }

    /// <summary>Ends a member that is followed no further; nobody hears of it.</summary>
    private void Drop(LiveSequence member)
    {
        member.Beam = null;
        _runner.Remove(member);
        Outstanding--;
        _core.TryCancel(Now, member.Request.Id);
    }

    private void EndBeams(BeamGroup group)
    {
        var first = group.Members[0];
        foreach (var member in group.Members) Drop(member);
        var sink = first.Generation.Sink;
        for (var sample = 0; sample < first.Generation.Samples; sample++)
        {
            var (score, output, reason) = group.Answers[sample];
            foreach (var token in output) sink.OnToken(sample, new(token, group.Options.IsEnd(token), (float)score));
            sink.OnEnd(sample, new(
                reason, first.PromptTokens, output.Length, first.CachedTokens, first.Preemptions, first.SubmittedAt,
                first.FirstTokenAt, Now));
        }
    }

    /// <summary>A search that is given up, by its caller or with the engine.</summary>
    private void CancelBeams(BeamGroup group, EndReason reason, string error = "")
    {
        _beams.Remove(group);
        var first = group.Members[0];
        foreach (var member in group.Members) Drop(member);
        for (var sample = 0; sample < first.Generation.Samples; sample++)
            first.Generation.Sink.OnEnd(sample, new(
                reason, first.PromptTokens, 0, first.CachedTokens, first.Preemptions, first.SubmittedAt, first.FirstTokenAt, Now, error));
    }
}
