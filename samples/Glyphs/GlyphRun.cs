using System.Diagnostics;
using System.Globalization;
using System.Text;
using Mdl.Runtime.Checkpoints;
using Mdl.Runtime.Diffusion.Networks;
using Mdl.Runtime.RandomNumbers;

namespace Glyphs.Sample;

/// <summary>A whole run: images, training, pictures and a report.</summary>
internal sealed class GlyphRun(GlyphOptions options)
{
    private const int Moments = 13;
    private readonly StringBuilder _report = new("# Letters\n\n");

    public void Run()
    {
        Directory.CreateDirectory(options.Output);
        var (train, heldOut) = Images();
        using var model = options.Model is { } file ? LetterModel.Load(file) : LetterModel.Create(seed: (ulong)options.Seed);
        if (options.Steps > 0)
        {
            using var trainer = model.CreateTrainer(new() { Batch = options.Batch, Steps = options.Steps, Seed = (ulong)options.Seed });
            Tell($"training a network of {LetterModel.ParameterCount:N0} numbers for {options.Steps} steps of {options.Batch} images, in {trainer.MemoryBytes / 1e6:F0} MB");
            Train(trainer, train);
            Save(trainer.Average, "glyphs.safetensors");
            Draw(trainer.Average, train, heldOut);
        }
        else
        {
            Draw(model, train, heldOut);
        }

        var path = Path.Combine(options.Output, "report.md");
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(_report.ToString())));
        Console.WriteLine($"wrote {path}");
    }

    // A twentieth of the images is not trained with.
    private (ImageSet Train, ImageSet HeldOut) Images()
    {
        ImageSet all;
        if (options.Data is { } folder)
        {
            all = FolderImages.Read(folder);
            Tell($"{all.Count} images of {folder}, {all.Names.Count} classes");
        }
        else
        {
            var fonts = FontGlyphs.Find(options.Fonts);
            all = FontGlyphs.Draw(fonts, options.Images, options.Seed);
            Tell($"{all.Count} images of the letters A to Z in {fonts.Count} fonts");
            foreach (var font in fonts)
            {
                font.Dispose();
            }
        }

        var kept = Math.Max(1, all.Count / 20);
        return (Part(all, 0, all.Count - kept), Part(all, all.Count - kept, kept));
    }

    private static ImageSet Part(ImageSet images, int first, int count) =>
        new(images.Pixels[(first * ImageSet.Length)..((first + count) * ImageSet.Length)], images.Labels[first..(first + count)], images.Names);

    private void Train(LetterModel.Trainer trainer, ImageSet images)
    {
        var batch = new float[options.Batch * ImageSet.Length];
        var labels = new int[options.Batch];
        var watch = Stopwatch.StartNew();
        new TrainingView(options.Steps).Run(() =>
        {
            var philox = new Philox((ulong)options.Seed, (ulong)trainer.StepsDone);
            for (var i = 0; i < labels.Length; i++)
            {
                var index = (int)philox.Below((ulong)i, images.Count);
                images[index].CopyTo(batch.AsSpan(i * ImageSet.Length));
                labels[i] = images.Labels[index];
            }

            return trainer.Step(batch, labels);
        });
        Tell($"trained in {watch.Elapsed.TotalSeconds:F0} s");
    }

    private void Draw(LetterModel model, ImageSet train, ImageSet heldOut)
    {
        // One column for each class, or as many without.
        const int Columns = LetterModel.Classes;
        var shown = new Sheet(Columns);
        for (var i = 0; i < Columns * options.Rows; i++)
        {
            var label = i % Columns;
            var of = train.HasClasses ? Enumerable.Range(0, train.Count).Where(k => train.Labels[k] == label).Skip(i / Columns).Take(1).ToArray() : [i % train.Count];
            shown.Add(of.Length == 0 ? [] : train[of[0]]);
        }

        Save(shown, "data.png", "Images to learn from");
        var first = Sample("heun", "Heun, 18 steps", model.CreateHeun());
        Sample("dpm2m", "DPM-Solver++(2M), 24 steps", model.CreateDpmPlusPlus2M());
        Sample("ancestral", "Euler ancestral, 40 steps", model.CreateEulerA());
        Trajectory(model.CreateDpmPlusPlus2M(), train);
        Nearest(first, train, heldOut);

        float[] Sample(string name, string title, ConditionalSampler sampler)
        {
            var samples = new float[Columns * options.Rows * ImageSet.Length];
            var watch = Stopwatch.StartNew();
            if (train.HasClasses)
            {
                sampler.Sample(samples, [.. Enumerable.Range(0, Columns * options.Rows).Select(i => i % Columns % train.Names.Count)], (ulong)options.Seed);
            }
            else
            {
                sampler.Sample(samples, (ulong)options.Seed);
            }

            Tell($"{title}: {Columns * options.Rows} samples in {watch.Elapsed.TotalSeconds:F1} s");
            var sheet = new Sheet(Columns);
            for (var i = 0; i < samples.Length; i += ImageSet.Length)
            {
                sheet.Add(samples.AsSpan(i, ImageSet.Length));
            }

            Save(sheet, $"samples-{name}.png", title);
            return samples;
        }
    }

    // Eight samples on their way, a row each; noise is shown as large as the data's deviation.
    private void Trajectory(ConditionalSampler sampler, ImageSet train)
    {
        const int Count = 8;
        var frames = new List<float[]>();
        var samples = new float[Count * ImageSet.Length];
        var steps = sampler.Sigmas.Count - 1;
        void Keep(int step, double sigma, ReadOnlySpan<float> batch)
        {
            if (step * (Moments - 1) / steps > (step - 1) * (Moments - 1) / steps)
            {
                var scale = (float)(1 / Math.Sqrt(1 + (sigma * sigma)));
                frames.Add([.. batch.ToArray().Select(x => x * scale)]);
            }
        }

        if (train.HasClasses)
        {
            sampler.Sample(samples, [.. Enumerable.Range(0, Count).Select(i => i * 3 % train.Names.Count)], (ulong)options.Seed + 1, afterStep: Keep);
        }
        else
        {
            sampler.Sample(samples, (ulong)options.Seed + 1, afterStep: Keep);
        }

        var sheet = new Sheet(frames.Count);
        for (var i = 0; i < Count; i++)
        {
            frames.ForEach(f => sheet.Add(f.AsSpan(i * ImageSet.Length, ImageSet.Length)));
        }

        Save(sheet, "trajectory.png", "From noise to letters");
    }

    // A row of samples, and below each the three training images nearest to it.
    private void Nearest(float[] samples, ImageSet train, ImageSet heldOut)
    {
        const int Neighbours = 3;
        const int Columns = LetterModel.Classes;
        var (sheet, distances, right) = (new Sheet(Columns), new List<double>(), 0);
        var nearest = new (int Index, double Distance)[samples.Length / ImageSet.Length][];
        Parallel.For(0, nearest.Length, i => nearest[i] = train.Nearest(samples.AsSpan(i * ImageSet.Length, ImageSet.Length), Neighbours));
        for (var i = 0; i < nearest.Length; i++)
        {
            distances.Add(nearest[i][0].Distance);
            right += train.HasClasses && train.Labels[nearest[i][0].Index] == i % Columns % train.Names.Count ? 1 : 0;
        }

        for (var row = 0; row < 2 && row < options.Rows; row++)
        {
            for (var rank = 0; rank <= Neighbours; rank++)
            {
                for (var column = 0; column < Columns; column++)
                {
                    var sample = (row * Columns) + column;
                    sheet.Add(rank == 0 ? samples.AsSpan(sample * ImageSet.Length, ImageSet.Length) : train[nearest[sample][rank - 1].Index]);
                }
            }
        }

        Save(sheet, "nearest.png", "Samples, each above the three training images nearest to it");
        var own = new double[Math.Min(heldOut.Count, nearest.Length)];
        Parallel.For(0, own.Length, i => own[i] = train.Nearest(heldOut[i], 1)[0].Distance);
        Tell($"root mean squared distance to the nearest training image, median and least: samples {Median(distances):F3} and {distances.Min():F3}, held-out images {Median(own):F3} and {own.Min():F3}");
        if (train.HasClasses)
        {
            Tell($"the nearest training image is of the class that was asked for in {100.0 * right / nearest.Length:F0} % of {nearest.Length} samples");
        }
    }

    private static double Median(IEnumerable<double> numbers) => numbers.Order().ToArray() is var sorted ? sorted[sorted.Length / 2] : 0;

    private void Save(Sheet sheet, string name, string title)
    {
        sheet.Save(Path.Combine(options.Output, name));
        _report.Append(CultureInfo.InvariantCulture, $"## {title}\n\n![{title}]({name})\n\n");
    }

    private void Save(LetterModel model, string name)
    {
        var path = Path.Combine(options.Output, name);
        model.Save(path);
        Console.WriteLine($"wrote {path}");
    }

    private void Tell(FormattableString line)
    {
        var text = FormattableString.Invariant(line);
        Console.WriteLine(text);
        _report.Append(text).Append("\n\n");
    }
}
