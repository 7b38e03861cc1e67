using System.Runtime.InteropServices;

namespace Ling.FineTune;

/// <summary>Notes Ctrl+C and termination requests, so that the run can end after the step at hand with a checkpoint. A second Ctrl+C ends the process.</summary>
public sealed class Interruption : IDisposable
{
    /// <summary>128 + SIGINT, as shells expect it.</summary>
    public const int ExitCode = 130;

    private readonly PosixSignalRegistration[] _registrations;
    private volatile bool _isRequested;

    public Interruption() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Note),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Note),
    ];

    public bool IsRequested => _isRequested;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void Note(PosixSignalContext context)
    {
        context.Cancel = !_isRequested;
        _isRequested = true;
    }
}
