using Mdl.Runtime.Models;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Generation;

/// <summary>
/// Speculative decoding: multi-token prediction proposes the next tokens of each text, the model computes the logits of all of them in one run and takes
/// those that it would have drawn. Greedy texts are those without it; drawn ones have the same distribution (Leviathan et al., "Fast inference from
/// transformers via speculative decoding", 2023, algorithm 1).
/// </summary>
internal sealed unsafe class Drafter : IDisposable
{
    /// <summary>A run of up to four tokens adds in the order of single ones, so that greedy texts agree to the token.</summary>
    public const int Most = 3;

    // "DRAFTS", "ACCEPT": far from the stream of drawn tokens.
    private const ulong DraftStream = 0x4452414654530000;
    private const ulong AcceptStream = 0x4143434550540000;
    private readonly InferenceProgram _program;
    private readonly IReadOnlyList<int> _widths;
    private readonly int _most;
    private readonly int[] _counts;
    private readonly int[] _drafts;
    private readonly float[][] _probabilities;
    private readonly float[] _wanted;
    private readonly SequenceRun[] _runs;
    private readonly Followed[] _followed;
    private readonly int _vocabulary;

    public Drafter(LanguageModel model, int slots, int most, int rows, int capacity, CacheFormat format)
    {
        if (!model.HasMtp)
        {
            throw new InvalidOperationException($"{model.Info.Name} has no weights of multi-token prediction to draft with.");
        }

        if (most > 1 && (model.Drafts.Depth > 1 || !model.Drafts.Chains))
        {
            throw new NotSupportedException(
                $"{model.Info.Name} drafts one token ahead, not {most}: its mtp block "
                + (model.Drafts.Depth > 1 ? $"has {model.Drafts.Depth} depths, and only a single one is applied repeatedly." : "reads names that it does not set."));
        }

        _widths = model.Drafts.Widths;
        _vocabulary = model.Info.Vocabulary;
        _most = most;
        _counts = new int[slots];
        _drafts = new int[slots * most];
        _runs = new SequenceRun[slots];
        _followed = new Followed[slots];
        _wanted = new float[_vocabulary];
        _probabilities = new float[slots * most][];
        for (var i = 0; i < _probabilities.Length; i++)
        {
            _probabilities[i] = new float[_vocabulary];
        }

        // Last: nobody would free its memory if what comes after it failed.
        _program = model.CreateDraftProgram(1, slots, rows, capacity, format);
    }

    /// <summary>The model's program, and a drafter if any tokens are to be proposed. If one of them cannot be made, the other does not stay.</summary>
    public static (InferenceProgram Program, Drafter? Drafter) Programs(LanguageModel model, int slots, int speculate, int rows, int capacity, CacheFormat format)
    {
        var drafter = speculate == 0 ? null : new Drafter(model, slots, speculate, rows, capacity, format);
        try
        {
            return (model.CreateInferenceProgram(slots, rows, capacity, format), drafter);
        }
        catch
        {
            drafter?.Dispose();
            throw;
        }
    }

    public long MemoryBytes => _program.ArenaBytes;

    /// <summary>The tokens of a text that the next run of the model checks.</summary>
    public ReadOnlySpan<int> Drafts(int slot) => _drafts.AsSpan(slot * _most, _counts[slot]);

    /// <summary>A new text begins in a slot.</summary>
    /// <param name="slot">Where.</param>
    /// <param name="from">The slot whose cache has its first tokens.</param>
    /// <param name="count">How many.</param>
    public void Begin(int slot, int from = 0, int count = 0)
    {
        _counts[slot] = 0;
        if (count > 0 && from != slot)
        {
            _program.CopyCache(from, slot, count);
        }
    }

    /// <summary>Takes what the model agrees with of a text's drafts, and one token more.</summary>
    /// <param name="slot">Where it is.</param>
    /// <param name="state">The text.</param>
    /// <param name="sampler">Draws.</param>
    /// <param name="logits">Behind the text's last token, and behind each draft.</param>
    /// <returns>How many drafts were taken.</returns>
    public int Verify(int slot, SessionState state, Sampler sampler, float* logits)
    {
        for (var i = 0; i < _counts[slot]; i++, logits += _vocabulary)
        {
            var before = state.Count;
            var isTaken = Check(state, sampler, new ReadOnlySpan<float>(logits, _vocabulary), (slot * _most) + i);
            if (!isTaken || state.Stop != StopReason.None)
            {
                return isTaken && state.Count > before ? i + 1 : i;
            }
        }

        state.Draw(sampler, new ReadOnlySpan<float>(logits, _vocabulary));
        return _counts[slot];
    }

    /// <summary>After tokens of texts have gone through the model: the same through multi-token prediction, and new drafts of those texts that are at their end.</summary>
    /// <param name="states">The texts by their slots.</param>
    /// <param name="sampler">Draws.</param>
    /// <param name="model">The model's program, with the rows of its last run.</param>
    /// <param name="runs">The sequences of that run; what is in the model's cache of them since is to be followed.</param>
    public void Follow(ReadOnlySpan<SessionState> states, Sampler sampler, InferenceProgram model, ReadOnlySpan<SequenceRun> runs)
    {
        var (texts, rows, modelRow) = (0, 0, 0);
        foreach (var run in runs)
        {
            var state = states[run.Slot];
            _counts[run.Slot] = 0;
            if (state.Stop == StopReason.None)
            {
                var count = state.Cached - run.Past;
                Give(model, modelRow, rows, count);
                state.Tokens.AsSpan(run.Past + 1, count).CopyTo(new Span<int>(_program.Tokens + rows, count));
                rows += count;
                _followed[texts] = new(run.Slot, rows - 1);
                _runs[texts++] = new(run.Slot, run.Past, count);
                state.Followed = state.Cached;
            }

            modelRow += run.Count;
        }

        for (var i = 0; texts > 0; i++)
        {
            _program.Run(_runs.AsSpan(0, texts), lastOnly: true);
            texts = Propose(states, sampler, i, texts);
        }
    }

    public void Dispose() => _program.Dispose();

    // Draws draft i of all texts that have room for it, and prepares the run for the next one; returns how many texts want that.
    private int Propose(ReadOnlySpan<SessionState> states, Sampler sampler, int i, int texts)
    {
        var going = 0;
        for (var text = 0; text < texts; text++)
        {
            var (slot, row) = _followed[text];
            var state = states[slot];

            // A token that is drawn in any case needs no draft, and those behind it must have places.
            var most = state.Cached < state.Count - 1 ? 0
                : Math.Min(Math.Min(_most, state.Tokens.Length - state.Count - 1), state.Options.MaxTokens - (state.Count - state.PromptLength) - 1);
            if (i >= most)
            {
                continue;
            }

            var draft = Draw(state, sampler, new ReadOnlySpan<float>(_program.Logits + ((long)text * _vocabulary), _vocabulary), slot, i);
            _drafts[(slot * _most) + i] = draft;
            _counts[slot] = i + 1;
            if (i + 1 < most)
            {
                // What the depth leaves stands for what the model would leave at the next position.
                Give(_program, row, going, 1);
                _program.Tokens[going] = draft;
                _followed[going] = new(slot, going);
                _runs[going++] = new(slot, state.Count - 1 + i, 1);
            }
        }

        return going;
    }

    private bool Check(SessionState state, Sampler sampler, ReadOnlySpan<float> logits, int i)
    {
        var draft = _drafts[i];
        if (state.Options.Temperature == 0)
        {
            state.Draw(sampler, logits);
            return state.Stop == StopReason.StopToken || state.Tokens[state.Count - 1] == draft;
        }

        // Taken with probability min(1, p/q); otherwise another is drawn from what p exceeds q by.
        var (p, q) = (_wanted, _probabilities[i]);
        sampler.Probabilities(logits, state.Occurrences, state.Options, p);
        if (Uniform(state, AcceptStream, state.Count) * q[draft] < p[draft])
        {
            state.Take(draft);
            return true;
        }

        for (var token = 0; token < p.Length; token++)
        {
            p[token] = Math.Max(p[token] - q[token], 0);
        }

        // Where rounding leaves nothing, the distributions are equal.
        var drawn = Sampler.Draw(p, state.Uniform);
        state.Take(drawn < 0 ? draft : drawn);
        return false;
    }

    private int Draw(SessionState state, Sampler sampler, ReadOnlySpan<float> logits, int slot, int i)
    {
        if (state.Options.Temperature == 0)
        {
            return sampler.Draw(logits, state.Occurrences, state.Options, 0);
        }

        var probabilities = _probabilities[(slot * _most) + i];
        sampler.Probabilities(logits, state.Occurrences, state.Options, probabilities);
        return Sampler.Draw(probabilities, Uniform(state, DraftStream, state.Count + i));
    }

    private static double Uniform(SessionState state, ulong stream, int position) =>
        new Philox(state.Options.Seed, stream + state.Options.Sequence).Double((ulong)position);

    private void Give(InferenceProgram from, int row, int to, int count)
    {
        for (var i = 0; i < _widths.Count; i++)
        {
            var width = _widths[i];
            new ReadOnlySpan<float>(from.Carried(i) + ((long)row * width), count * width).CopyTo(new Span<float>(_program.Given(i) + ((long)to * width), count * width));
        }
    }

    // A text of the last run, and its last row.
    private readonly record struct Followed(int Slot, int Row);
}
