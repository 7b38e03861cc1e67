namespace Ling.Sample.Progress;

/// <summary>Shows a run while it goes on.</summary>
public interface IProgressView
{
    /// <summary>Shows progress as long as <paramref name="body"/> runs.</summary>
    void During(Action body);

    /// <summary>Shows a step; called after every one.</summary>
    void Show(ProgressState state);

    /// <summary>Tells something about the run, outside <see cref="During"/>.</summary>
    void Tell(string line);
}
