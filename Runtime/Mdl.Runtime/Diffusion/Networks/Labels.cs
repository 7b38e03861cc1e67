namespace Mdl.Runtime.Diffusion.Networks;

/// <summary>Checks the classes of samples.</summary>
internal static class Labels
{
    /// <summary>Throws unless there is a label for each sample, or none.</summary>
    public static void Check(DiffusionModel model, ReadOnlySpan<int> labels, int count)
    {
        if (labels.IsEmpty)
        {
            return;
        }

        var classes = model.Diffusion.Classes;
        if (classes == 0)
        {
            throw new ArgumentException($"{model.Info.Name} has no condition, so samples have no labels.", nameof(labels));
        }

        if (labels.Length != count)
        {
            throw new ArgumentException($"{count} samples need {count} labels or none, not {labels.Length}.", nameof(labels));
        }

        var wrong = labels.IndexOfAnyExceptInRange(0, classes);
        if (wrong >= 0)
        {
            throw new ArgumentException($"Label {wrong} is {labels[wrong]}; classes are 0 to {classes - 1}, and {classes} is none.", nameof(labels));
        }
    }
}
