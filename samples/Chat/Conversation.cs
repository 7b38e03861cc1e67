using System.Diagnostics;
using Mdl.Runtime.Generation;
using Mdl.Runtime.Models;

namespace Ling.Chat;

/// <summary>A conversation with a model. What the model said stays as the tokens it drew, so that each turn begins with all of the one before and only what is new is computed.</summary>
public sealed class Conversation : IDisposable
{
    private readonly SessionPool _sessions;
    private readonly IConversationText _text;
    private readonly ChatOptions _options;
    private readonly List<int> _tokens = [];
    private ulong _answers;

    public Conversation(LanguageModel model, IConversationText text, ChatOptions options)
    {
        (_text, _options) = (text, options);
        _sessions = model.CreateSessions(slots: 1, options.Context);
        Reset();
    }

    /// <summary>Bytes of activations and cache.</summary>
    public long MemoryBytes => _sessions.MemoryBytes;

    /// <summary>Forgets what was said.</summary>
    public void Reset()
    {
        _tokens.Clear();
        _tokens.AddRange(_text.Head());
    }

    /// <summary>Answers a question, and writes the answer as it comes.</summary>
    /// <exception cref="UsageException">There is no room for the question.</exception>
    public AnswerReport Answer(string question, TextWriter output, CancellationToken stop)
    {
        var asked = _text.Question(question);
        if (_tokens.Count + asked.Count >= _options.Context)
        {
            throw new UsageException($"the conversation would have {_tokens.Count + asked.Count} tokens, and --context is {_options.Context}; shorten the question, or forget the conversation with /reset.");
        }

        _tokens.AddRange(asked);
        var sampling = _options.Sampling with { MaxTokens = _options.MaxTokens, StopTokens = _text.StopTokens, Sequence = _answers++ };
        using var session = _sessions.Open(_tokens.ToArray(), sampling, stop);
        var computed = _tokens.Count - session.ReusedTokens;
        var (prefill, decode) = (new Stopwatch(), new Stopwatch());
        prefill.Start();
        var going = true;
        while (going)
        {
            going = _sessions.Step();
            while (session.TryRead(out var token))
            {
                output.Write(_text.Append(token));
                output.Flush();
            }

            if (session.Continuation.Length > 0 && prefill.IsRunning)
            {
                prefill.Stop();
                decode.Start();
            }
        }

        output.WriteLine(_text.Flush());
        var answer = session.Continuation;
        _tokens.AddRange(answer);
        _tokens.AddRange(_text.AnswerEnd);
        return new AnswerReport(computed, prefill.Elapsed, answer.Length, decode.Elapsed, session.StopReason);
    }

    public void Dispose() => _sessions.Dispose();
}
