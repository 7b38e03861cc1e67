namespace Ling.Sample.Reports;

/// <summary>What the process holds beside what a training step takes.</summary>
/// <param name="Runtime">Bytes of the .NET runtime and the loaded code, measured as the process starts.</param>
/// <param name="Text">Bytes of the text.</param>
public sealed record HostMemory(long Runtime, long Text);
