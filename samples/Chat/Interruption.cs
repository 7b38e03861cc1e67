using System.Runtime.InteropServices;

namespace Ling.Chat;

/// <summary>Ctrl+C while an answer is written stops the answer; at any other time it ends the program.</summary>
public sealed class Interruption : IDisposable
{
    private readonly PosixSignalRegistration _registration;
    private volatile CancellationTokenSource? _answer;

    public Interruption() => _registration = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
    {
        if (_answer is { IsCancellationRequested: false } answer)
        {
            context.Cancel = true;
            answer.Cancel();
        }
    });

    /// <summary>Is cancelled by the next Ctrl+C.</summary>
    public CancellationToken BeginAnswer()
    {
        var answer = new CancellationTokenSource();
        _answer = answer;
        return answer.Token;
    }

    public void EndAnswer() => _answer = null;

    public void Dispose() => _registration.Dispose();
}
