using Mdl.Runtime.Models;
using Mdl.Runtime.RandomNumbers;

namespace Mdl.Runtime.Generation;

/// <summary>
/// Speculative decoding of one text: multi-token prediction proposes the next tokens, the model computes the logits of all of them in one run and takes
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
    private readonly int[] _drafts;
    private readonly float[][] _probabilities;
    private readonly float[] _wanted;
    private readonly int _vocabulary;

    public Drafter(LanguageModel model, int most, int rows, int capacity)
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

        _program = model.CreateDraftProgram(1, 1, rows, capacity, CacheFormat.Single);
        _widths = model.Drafts.Widths;
        _vocabulary = model.Info.Vocabulary;
        _drafts = new int[most];
        _wanted = new float[_vocabulary];
        _probabilities = new float[most][];
        for (var i = 0; i < most; i++)
        {
            _probabilities[i] = new float[_vocabulary];
        }
    }

    public long MemoryBytes => _program.ArenaBytes;

    /// <summary>The tokens that the next run of the model checks.</summary>
    public ReadOnlySpan<int> Drafts => _drafts.AsSpan(0, Count);

    public int Count { get; private set; }

    public void Forget() => Count = 0;

    /// <summary>Takes what the model agrees with of the drafts, and one token more.</summary>
    /// <param name="state">The text.</param>
    /// <param name="sampler">Draws.</param>
    /// <param name="logits">Behind the text's last token, and behind each draft.</param>
    /// <returns>How many drafts were taken.</returns>
    public int Verify(SessionState state, Sampler sampler, float* logits)
    {
        for (var i = 0; i < Count; i++, logits += _vocabulary)
        {
            var before = state.Count;
            var isTaken = Check(state, sampler, new ReadOnlySpan<float>(logits, _vocabulary), i);
            if (!isTaken || state.Stop != StopReason.None)
            {
                return isTaken && state.Count > before ? i + 1 : i;
            }
        }

        state.Draw(sampler, new ReadOnlySpan<float>(logits, _vocabulary));
        return Count;
    }

    /// <summary>After tokens of the text have gone through the model: the same through multi-token prediction, and new drafts if the text is at its end.</summary>
    /// <param name="state">The text; the tokens from <paramref name="past"/> on are in the model's cache.</param>
    /// <param name="sampler">Draws.</param>
    /// <param name="model">The model's program, with the rows of its last run.</param>
    /// <param name="past">Where that run began.</param>
    public void Follow(SessionState state, Sampler sampler, InferenceProgram model, int past)
    {
        Count = 0;
        if (state.Stop != StopReason.None)
        {
            return;
        }

        var count = state.Cached - past;
        Give(model, 0, count);
        state.Tokens.AsSpan(past + 1, count).CopyTo(new Span<int>(_program.Tokens, count));
        _program.Run(count, past, lastOnly: true);

        // A token that is drawn in any case needs no draft, and those behind it must have places.
        var most = state.Cached < state.Count - 1 ? 0
            : Math.Min(Math.Min(_drafts.Length, state.Tokens.Length - state.Count - 1), state.Options.MaxTokens - (state.Count - state.PromptLength) - 1);
        for (var row = count - 1; Count < most; row = 0)
        {
            var draft = Draw(state, sampler, Count);
            _drafts[Count++] = draft;
            if (Count < most)
            {
                // What the depth leaves stands for what the model would leave at the next position.
                Give(_program, row, 1);
                *_program.Tokens = draft;
                _program.Run(1, state.Count - 2 + Count, lastOnly: true);
            }
        }
    }

    public void Dispose() => _program.Dispose();

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

    private int Draw(SessionState state, Sampler sampler, int i)
    {
        var logits = new ReadOnlySpan<float>(_program.Logits, _vocabulary);
        if (state.Options.Temperature == 0)
        {
            return sampler.Draw(logits, state.Occurrences, state.Options, 0);
        }

        sampler.Probabilities(logits, state.Occurrences, state.Options, _probabilities[i]);
        return Sampler.Draw(_probabilities[i], Uniform(state, DraftStream, state.Count + i));
    }

    private static double Uniform(SessionState state, ulong stream, int position) =>
        new Philox(state.Options.Seed, stream + state.Options.Sequence).Double((ulong)position);

    private void Give(InferenceProgram from, int row, int count)
    {
        for (var i = 0; i < _widths.Count; i++)
        {
            var width = _widths[i];
            new ReadOnlySpan<float>(from.Carried(i) + ((long)row * width), count * width).CopyTo(new Span<float>(_program.Given(i), count * width));
        }
    }
}
